// SPDX-License-Identifier: Apache-2.0
#include "pcheck/options.hpp"

#include <CLI/CLI.hpp>

#include "common/exit_code.hpp"

namespace banken {

std::variant<Options, OptionsEnd> parse_options(int argc, char** argv) {
    Options options;
    CLI::App app{"Watches processes, whoever started them, and restarts them through scripts. See pcheck(8).", "pcheck"};
    app.add_option("-f", options.pfile, "The pfile: what to watch (pfile(5))")->type_name("PFILE");
    CLI::Option* const test = app.add_flag("-t", options.test, "Test the pfile and lint it, start nothing");
    CLI::Option* const adoptable =
        app.add_flag("--adoptable", options.adoptable, "Test whether this program could go on in place of the one that runs, start nothing")
            ->excludes(test);
    CLI::Option* const fresh = app.add_flag("--fresh", options.fresh, "Discard the state that a pcheck which ended badly left at IPCKEY");
    CLI::Option* const dry_run = app.add_flag("--dry-run", options.dry_run, "Watch and log, but run no script and send no signal");
    app.add_option("--simulate", options.scenario, "Play this scenario in memory and print what would be logged")
        ->type_name("SCENARIO")
        ->excludes(test, adoptable, fresh, dry_run);
    app.add_option("--conf", options.conf, "banken.conf to read instead of /etc/banken/banken.conf")
        ->type_name("FILE")
        ->envname("BANKEN_CONF");
    app.set_version_flag("-V,--version", "pcheck (Banken) " BANKEN_VERSION, "Print the version and end");
    app.set_help_flag("-h,--help", "Print this help and end");
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& wanted) {
        const bool help = dynamic_cast<const CLI::CallForHelp*>(&wanted) != nullptr;
        return OptionsEnd{number_of(ExitCode::ok), help ? app.help() : std::string(wanted.what()) + "\n"};
    } catch (const CLI::ParseError& error) {
        return OptionsEnd{number_of(ExitCode::usage), std::string("pcheck: ") + error.what() + "\nTry: pcheck -h\n"};
    }
    // Not as CLI11's `required`: that would be told ahead of an option that there is not.
    if (options.pfile.empty()) return OptionsEnd{number_of(ExitCode::usage), "pcheck: -f PFILE is needed\nTry: pcheck -h\n"};
    return options;
}

}  // namespace banken
