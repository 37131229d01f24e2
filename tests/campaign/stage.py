# SPDX-License-Identifier: Apache-2.0
"""What pcheck is killed over: a pfile of one entry of every sort, their scripts, which keep a record of all they do, and an audit that
believes the records and the kernel, never pcheck's own words alone."""
import os
import re
import subprocess
from collections import Counter

import kernel
from harness import SOON, check, parsed
from kernel import Failure, alive, start_of, until
from responses import Responses
from tree import START_OF, Tree

FOREVER = 31536000      # grace: no window passes while a campaign runs
SETTLING = 60.0         # seconds: for all entries to come back, on a machine that does much else

# Every run of a script leaves `begin NAME PID KIND TOTAL` and `end NAME PID`, every daemon it starts `started NAME PID START`. A script that
# meets a living process of its name leaves `twice`: it was begun without a loss, and not by order. `pause.NAME` makes it slow, `fail.NAME` makes it fail.
RESTART = r"""#!/bin/sh
cd @directory@ || exit 9
name=$PCHECK_PNAME wanted=$2 manner=$3 records=@directory@/records
trap 'echo "end $name $$" >> "$records"' EXIT
trap 'exit 99' TERM
@start_of@start_of $$
echo "begin $name $$ $start restart $PCHECK_REASON" >> "$records"
living=0
: > "living.$name.new"
if [ -e "living.$name" ]; then
    while read -r pid recorded; do
        start_of "$pid" && [ "$start" = "$recorded" ] || continue
        if [ "$manner" = replace ]; then
            kill -9 "$pid"
            while start_of "$pid" && [ "$start" = "$recorded" ]; do sleep 0.01; done
            continue
        fi
        echo "$pid $recorded" >> "living.$name.new"
        living=$((living + 1))
    done < "living.$name"
fi
mv "living.$name.new" "living.$name"
if [ "$living" -ge "$wanted" ] && [ "$PCHECK_REASON" != operator ]; then echo "twice $name $$" >> "$records"; fi
if [ -e "pause.$name" ]; then sleep "$(cat "pause.$name")"; fi
if [ -e "fail.$name" ]; then exit 3; fi
while [ "$living" -lt "$wanted" ]; do
    pid=$(./"$name") || exit 4
    start_of "$pid"
    echo "$pid $start" >> "living.$name"
    echo "started $name $pid $start" >> "$records"
    living=$((living + 1))
done
exit 0
"""

STOP = r"""#!/bin/sh
cd @directory@ || exit 9
name=$PCHECK_PNAME records=@directory@/records
trap 'echo "end $name $$" >> "$records"' EXIT
trap 'exit 99' TERM
read -r stat < /proc/$$/stat
set -- ${stat##*) }
echo "begin $name $$ ${20} stop $PCHECK_REASON" >> "$records"
if [ -e "pause.$name" ]; then sleep "$(cat "pause.$name")"; fi
while read -r pid recorded; do
    { read -r stat < "/proc/$pid/stat"; } 2> /dev/null || continue
    set -- ${stat##*) }
    if [ "${20}" = "$recorded" ]; then kill -9 "$pid"; fi
done < "living.$name"
exit 0
"""

# Ill once: the file says of which process. Its replacement is well.
CHECK = r"""#!/bin/sh
cd @directory@ || exit 9
[ -e "ill.$PCHECK_PNAME" ] || exit 0
read -r ill < "ill.$PCHECK_PNAME"
[ "$ill" != "$PCHECK_OLD_PID" ]
"""


class Sort:
    """An entry of the pfile: `wanted` processes, `manner` keep or replace (what its script does with those that live)."""

    def __init__(self, name, *options, wanted=1, manner="keep", retries="unlimited", action="continue", grace=FOREVER):
        self.name, self.options, self.wanted, self.manner = name, options, wanted, manner
        self.retries, self.action, self.grace = retries, action, grace

    @property
    def ill_possible(self):
        return any(option.startswith("check=") for option in self.options)


def every_sort(check_script, stop_script):
    return [
        Sort("plain", "delay=0"),
        Sort("second", "delay=0"),
        Sort("dependent", "delay=0", "after=plain,second"),
        Sort("paced", "delay=1-2"),
        Sort("member1", "delay=0", "group=trio", manner="replace"),
        Sort("member2", "delay=0", "group=trio", manner="replace"),
        Sort("member3", "delay=0", "group=trio", manner="replace"),
        Sort("checked", "delay=0", f"check={check_script}", "check_interval=1", "check_failures=1", "stop=TERM/5"),
        Sort("stopped", "delay=0", f"check={check_script}", "check_interval=1", "check_failures=1", f"stop={stop_script}/20"),
        Sort("counted", "delay=0", "min=2", wanted=2),
        Sort("held", "delay=0", retries=1, action="hold", grace=3),
        Sort("limited", "delay=0", retries=2),
        Sort("calm", "delay=0", "stable=1"),
    ]


class Stage:
    """tree: with resources, and responders to events."""

    def __init__(self, world, sorts=None, tree=True):
        self.world = world
        for name, text in (("restart.sh", RESTART), ("stop.sh", STOP), ("check.sh", CHECK)):
            world.write(name, text.replace("@start_of@", START_OF).replace("@directory@", world.directory), 0o755)
        self.sorts = sorts or every_sort(world.path("check.sh"), world.path("stop.sh"))
        self.by_name = {sort.name: sort for sort in self.sorts}
        for sort in self.sorts:
            world.program(sort.name)
        self.last = {}          # name: what was shown of it last
        self.lost_attempts = 0
        self.kills = self.faults = 0
        self.totals_are_known = True
        self.orders = []        # padmin processes that have not ended
        self.answers = Counter()
        self.tree = Tree(self) if tree else None
        self.responses = Responses(world) if tree else None
        self.write_pfile()

    def lines(self):
        for sort in self.sorts:
            script = f"{self.world.path('restart.sh')} {sort.name} {sort.wanted} {sort.manner}"
            yield ":".join([sort.name, script, str(sort.grace), str(sort.retries), sort.action, f"exe={self.world.path(sort.name)}",
                            *sort.options])

    def write_pfile(self, lines=None, **param):
        keys = {"MONITOR_TRY_COUNT": 3, "MSG_CHECK_INTERVAL": 1, "CONFIRM_WAIT": 0, "SCRIPT_PARALLEL": 3, **param}
        self.world.pfile(*(lines or self.lines()), resources=self.tree.lines() if self.tree else (), **keys)

    # ---- pcheck ----

    def begin(self):
        self.world.start_pcheck()
        self.settle()

    def kill_pcheck(self):
        pcheck = self.world.pcheck
        if pcheck.poll() is None:
            kernel.kill(pcheck.pid)
        self.pcheck_is_dead()

    def pcheck_is_dead(self):
        pcheck = self.world.pcheck
        code = pcheck.wait(timeout=kernel.BOUND)
        check(code == -9, f"pcheck ended by itself with {code}: {self.world.read('pcheck.out')[-2000:]}")
        self.kills += 1
        if self.tree:
            self.tree.pcheck_was_killed()

    # ---- the processes ----

    def living(self, name):
        return kernel.running(self.world.path(name))

    def lose(self, name, which=0):
        """Ends a process of this entry, if one lives; returns its pid."""
        found = self.living(name)
        if not found:
            return None
        pid = found[which % len(found)]
        try:
            kernel.kill(pid)
        except ProcessLookupError:
            return None
        return pid

    def make_ill(self, name):
        found = self.living(name)
        if found:
            self.replace_file(f"ill.{name}", found[0])

    def pause(self, name, seconds):
        """Its scripts take so long from now on."""
        self.replace_file(f"pause.{name}", seconds)

    def replace_file(self, name, content):
        """Whole at every moment: scripts read it."""
        self.world.write(f"{name}.new", f"{content}\n")
        os.rename(self.world.path(f"{name}.new"), self.world.path(name))

    # ---- orders ----

    def order(self, *words):
        command = self.world.padmin_command("-k", f"0x{self.world.key:08x}", "-c", *words, "--wait", "25")
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env=self.world.environment)
        self.orders.append((words, process))
        return process

    def collect_orders(self, all_of_them=False):
        """Whatever becomes of pcheck, who orders is told what became of his order."""
        for words, process in list(self.orders):
            if not all_of_them and process.poll() is None:
                continue
            text, _ = process.communicate(timeout=kernel.BOUND)
            self.orders.remove((words, process))
            code = process.returncode
            told = {0: "done", 1: "refused", 3: "not running"}.get(code)
            if self.faults and code in (66, 71, 78) and text:
                told = "refused"        # a file that could not be read, in words
            if code == 75 and re.search("interrupted|ended before it answered", text):
                told = "interrupted"
            check(told, f"{' '.join(words)}: exit {code}, {text}")
            self.answers[told] += 1

    def orders_are_answered(self):
        self.collect_orders()
        return not self.orders

    def counts_begin_anew(self):
        """pcheck is to end by order: the next one knows nothing of what was, unless the end was cut short before it was decided."""
        self.last = {}
        self.totals_are_known = False
        open(self.world.path("records"), "w").close()
        if self.tree:
            self.tree.last = {}

    # ---- the audit ----

    def show(self, what="pent"):
        """As anybody reads it, whether a pcheck owns the segment or not. `what`: pent, resource."""
        command = self.world.padmin_command("-k", f"0x{self.world.key:08x}", "-c", "show", what, "--json")
        answer = self.world.run(command)
        check(answer.code == 0 or answer.code == 3 and "its state is kept" in answer.err, f"the segment cannot be read: {answer}")
        self.world.last_answer = None
        return self.parts(answer.out, what)

    @staticmethod
    def parts(text, what):
        found = parsed(text)[what]
        named = {part["pname" if what == "pent" else "tag"]: part for part in found}
        check(len(named) == len(found), f"some are there twice: {[part.get('tag') or part.get('pname') for part in found]}")
        return named

    def owner_is_dead(self):
        return self.world.pcheck.poll() is not None

    def records(self):
        return [line.split() for line in self.world.read("records").splitlines()]

    def look(self):
        """What has to hold at every moment: no entry is lost, no count shrinks, every script was counted before it began, none beside another."""
        self.audit_records()
        entries = self.show()
        wanted = {line.split(":", 1)[0] for line in self.world.read("pfile").split("##### PENT #####")[1].split() if ":" in line}
        missing = [name for name in wanted & self.by_name.keys() if name not in entries]
        check(not missing or not self.last, f"entries are lost: {missing}")
        for name, entry in entries.items():
            before = self.last.get(name)
            if not before:
                continue
            check(entry["restart_total"] >= before["restart_total"],
                  f"{name}: restart_total {before['restart_total']} became {entry['restart_total']}")
            if self.by_name[name].retries == "unlimited" and name != "calm":
                check(entry["restart_count"] >= before["restart_count"],
                      f"{name}: restart_count {before['restart_count']} became {entry['restart_count']}")
            check(self.runs[name] <= entry["restart_total"], f"{name}: {self.runs[name]} runs, restart_total {entry['restart_total']}")
        self.last.update(entries)
        if self.tree:
            self.tree.look()
        return entries

    def script_runs(self, name):
        self.audit_records()
        return name in self.open_runs

    def audit_records(self):
        open_runs, runs = {}, Counter()
        for what, name, pid, *rest in self.records():
            if what == "begin":
                check(name not in open_runs, f"{name}: script {pid} was begun beside {open_runs.get(name)}")
                open_runs[name] = pid
                runs[name] += rest[1] == "restart"
            if what == "end":
                check(open_runs.get(name) == pid, f"{name}: script {pid} ended, which had not begun alone")
                del open_runs[name]
            if what == "twice":
                raise Failure(f"{name}: script {pid} was begun while the process lived; {self.records_of(name)[-8:]}")
        self.runs, self.open_runs = runs, open_runs

    def records_of(self, name):
        return [" ".join(record) for record in self.records() if record[1] == name]

    def settled(self):
        """All entries, if every one is watched and has its process. Until then an operator does what is his to do."""
        entries = self.show()
        for name, entry in entries.items():
            given_up = entry["proc_sts"] == "RETRY_OVER" and self.by_name[name].retries != "unlimited"
            if given_up or entry["monitor_sts"] == "off":
                self.order("clear" if given_up else "start", name).wait()
        well = all(self.is_well(*entry) for entry in entries.items()) and (not self.tree or self.tree.settled())
        return entries if well else None

    def settled_at_last(self):
        """While pcheck starts, and may be killed: no segment, or none that is whole, is no failure yet."""
        try:
            return self.settled()
        except Failure:
            return None

    def is_well(self, name, entry):
        living = self.living(name)
        return (entry["proc_sts"], entry["monitor_sts"], len(living)) == ("AVAIL", "on", self.by_name[name].wanted) and entry["pid"] in living

    def settle(self, bound=SETTLING):
        """All orders answered, all pauses ended, nothing lost: then every entry has to come to AVAIL, with a process that is its own."""
        self.collect_orders(all_of_them=True)
        try:
            entries = until(self.settled_at_last, "every entry AVAIL with its own process", bound)
        except Failure as error:
            raise Failure(f"{error}; {self.state_or_nothing()}") from error
        self.collect_orders(all_of_them=True)
        until(self.no_script_runs, "the end of all scripts", SOON)
        if self.responses:
            self.responses.settle()
            self.tree.check_told(self.responses)
        entries = self.look()       # one may have fallen ill meanwhile
        self.lost_attempts = sum(entry["restart_total"] - self.runs[name] for name, entry in entries.items())
        check(self.lost_attempts <= self.kills + self.faults or not self.totals_are_known,
              f"{self.lost_attempts} attempts that never ran, {self.kills} kills, {self.faults} faults")
        return entries

    def no_script_runs(self):
        self.look()
        return not self.open_runs and (not self.tree or self.tree.no_script_runs())

    def state_or_nothing(self):
        try:
            return self.state()
        except Failure as error:
            return str(error)

    def state(self):
        rows = [f"{name}: {entry['proc_sts']} {entry['monitor_sts']} pid={entry['pid']} living={self.living(name)} waits={entry['waits_for']} "
                f"count={entry['restart_count']} total={entry['restart_total']} script={entry['script_pid']}"
                for name, entry in self.show().items()]
        return "\n".join(rows + (self.tree.state() if self.tree else []))
