# SPDX-License-Identifier: Apache-2.0
"""The resources of the campaigns: a generic one above a cmdline one, scripts that keep a record of all they do, and an audit that believes the
records and the kernel."""
import os
from collections import Counter

import kernel
from harness import check
from kernel import Failure, until

TOP, BOTTOM = "web", "store"
OUT = {TOP: "OSU", BOTTOM: "Offline"}
IN = {TOP: "ISP", BOTTOM: "Online"}
COMES, GOES = ("restore", "recover", "start"), ("remove", "stop")
EVERY_ACTION = ((TOP, "restore"), (TOP, "remove"), (TOP, "recover"), (TOP, "quickCheck"), (BOTTOM, "start"), (BOTTOM, "stop"), (BOTTOM, "check"))

# Sets start: when this process began. Fails for one that is no more.
START_OF = r"""start_of() {
    start=0
    { read -r stat < "/proc/$1/stat"; } 2> /dev/null || return 1
    set -- ${stat##*) }
    case $1 in Z|X) return 1 ;; esac
    start=${20}
}
"""

# Every run leaves `begin TAG PID ACTION HV_AUTORECOVER PARENT` and `end TAG PID STATUS`; `beside` when another one of its resource still lives, `twice`
# when Start finds what it is to start. `pause.TAG.ACTION` makes it slow, `fail.TAG.ACTION` makes it fail. A check that is ended leaves no `end`.
SCRIPT = r"""#!/bin/sh
cd @directory@ || exit 9
tag=$1 action=$2 records=@directory@/records.resources
trap 'echo "end $tag $$ $?" >> "$records"' EXIT
trap 'exit 99' TERM
@start_of@lives() { [ -e "$1" ] && read -r pid recorded < "$1" && start_of "$pid" && [ "$start" = "$recorded" ]; }
bring() {
    trap '' TERM
    pid=$("./$tag") || exit 4
    start_of "$pid"
    echo "$pid $start" > "app.$tag.new"
    mv "app.$tag.new" "app.$tag"
}
take_away() {
    if lives "app.$tag"; then kill -9 "$pid"; fi
    while lives "app.$tag"; do sleep 0.01; done
}
place=running.$tag
if [ "$action" = check ]; then place=$place.check; fi
if lives "$place"; then echo "beside $tag $$ $action $pid" >> "$records"; fi
start_of $$
echo "$$ $start" > "$place"
echo "begin $tag $$ $action ${HV_AUTORECOVER:-0} $PPID" >> "$records"
if [ -e "pause.$tag.$action" ]; then sleep "$(cat "pause.$tag.$action" 2> /dev/null || echo 0)"; fi
if [ -e "fail.$tag.$action" ]; then exit 3; fi
case $action in
restore) lives "app.$tag" || bring ;;
start)
    if ! lives "app.$tag"; then bring
    elif [ "${HV_AUTORECOVER:-0}" != 1 ]; then echo "twice $tag $$ $action" >> "$records"; fi ;;
recover) take_away; bring ;;
remove|stop) take_away ;;
quickCheck|check) lives "app.$tag"; exit ;;
esac
exit 0
"""


class Tree:
    def __init__(self, stage):
        self.stage, self.world = stage, stage.world
        self.script = self.world.write("resource.sh", SCRIPT.replace("@start_of@", START_OF).replace("@directory@", self.world.directory), 0o755)
        self.definitions = self.write_definitions()
        self.last = {}
        self.upside_down = False        # in the pfile
        self.with_spare = False         # one more there, ahead of them, that does nothing
        self.runs = {}          # tag: how many scripts of each action, but the checks
        self.kills_in_scripts = 0
        for tag in (TOP, BOTTOM):
            self.world.program(tag)

    def write_definitions(self):
        """Once: pcheck reads them whenever it likes. Returns their lines for the pfile."""
        def scripts(tag, *actions):
            return {action: f"{self.script} {tag} {action}" for action in actions}
        limit = "128/1"        # no recovery is the last one
        return [self.world.resource("spare", "generic", initial="none", restore="/bin/true", remove="/bin/true"),
                self.world.resource(TOP, "generic", depends=BOTTOM, quick_interval=1, recover_limit=limit,
                                    **scripts(TOP, "restore", "remove", "quickCheck", "recover")),
                self.world.resource(BOTTOM, "cmdline", TIMEOUT=15, recover_limit=limit, **scripts(BOTTOM, "start", "stop", "check"))]

    def lines(self):
        spare, *lines = self.definitions
        return ([spare] if self.with_spare else []) + (lines[::-1] if self.upside_down else lines)

    # ---- what is done to it ----

    def lose(self, tag):
        """Ends its application, if it lives; returns its pid."""
        pid, start = [int(word) for word in self.world.read(f"app.{tag}").split()] or (0, 0)
        if start == 0 or kernel.start_of(pid) != start or not kernel.alive(pid):
            return None
        kernel.kill(pid)
        return pid

    def slow(self, tag, action, seconds):
        """Its script takes so long from now on."""
        self.stage.replace_file(f"pause.{tag}.{action}", seconds)

    def fail(self, tag, action):
        self.world.write(f"fail.{tag}.{action}", "")

    def be_well(self):
        """Scripts take no time and do not fail."""
        for tag, action in EVERY_ACTION:
            for what in ("pause", "fail"):
                if os.path.exists(self.world.path(f"{what}.{tag}.{action}")):
                    os.unlink(self.world.path(f"{what}.{tag}.{action}"))

    def pcheck_was_killed(self):
        with open(self.world.path("records.resources"), "a", encoding="ascii") as file:
            file.write("kill\n")

    # ---- the audit ----

    def records(self):
        return [line.split() for line in self.world.read("records.resources").splitlines()]

    def work(self):
        """The runs of each resource but its checks, in their order: [action, status (None: it runs), pid, parent]. None of them where it may not
        be."""
        runs = {TOP: [], BOTTOM: []}
        self.kills_in_scripts = 0
        for what, *rest in self.records():
            if what == "kill":
                self.kills_in_scripts += any(of_it and of_it[-1][1] is None for of_it in runs.values())
                continue
            tag, pid, *words = rest
            check(what not in ("beside", "twice"), f"{tag}: {' '.join(words[:1])} {pid} was begun {what} {' '.join(words[1:])}")
            current = runs[tag][-1] if runs[tag] else None
            if what == "end" and current and current[2] == pid:
                current[1] = words[0]
            if what != "begin":
                continue
            action, again, parent = words
            if action == "check":
                continue
            check(not current or current[1] is not None, f"{tag}: {action} {pid} was begun beside {current}")
            if action == "quickCheck":
                continue
            self.check_begin(runs, tag, [action, None, pid, parent], again == "1")
            runs[tag].append([action, None, pid, parent])
        self.runs = {tag: Counter(run[0] for run in runs[tag]) for tag in runs}
        return runs

    def check_begin(self, runs, tag, run, again):
        """`again`: Start, by a recovery. Where calls fail a script that could not be run has failed, and left no record."""
        if self.stage.faults:
            return
        action, parent = run[0], run[3]
        last = runs[tag][-1] if runs[tag] else [None] * 4
        if last[:2] == [action, "0"] and (action == "restore" or action == "start" and not again):
            missed = last[3] != parent or parent == "1"     # by the one that began it, which was killed; perhaps before the script looked
            check(action == "restore" and missed, f"{tag}: {action} was begun again, and its end had not been missed")
        other = runs[TOP if tag == BOTTOM else BOTTOM][-1:]
        if tag == BOTTOM and action == "stop" and other:
            check(not is_in(other[0]), f"stop of {BOTTOM} was begun while {TOP} was in service: {other[0]}")
        if tag == TOP and action in COMES and other:
            check(other[0][0] != "stop" or other[0][1] not in (None, "0"), f"{action} of {TOP} was begun after {other[0]} of {BOTTOM}")

    def show(self):
        shown = self.stage.show("resource")
        return {tag: shown[tag] for tag in (TOP, BOTTOM) if tag in shown}

    def look(self):
        """What has to hold at every moment: none is lost, no count shrinks, no state says what the scripts' ends contradict."""
        for _ in range(5):
            runs = self.work()
            shown = self.show()
            after = self.work()
            if self.stage.owner_is_dead() or {tag: len(runs[tag]) for tag in runs} == {tag: len(after[tag]) for tag in after}:
                self.check_states(shown, after)
                break
        missing = [tag for tag in (TOP, BOTTOM) if tag not in shown]
        check(not missing or not self.last, f"resources are lost: {missing}")
        for tag, resource in shown.items():
            for count in ("check_count", "fail_count", "recover_count"):
                before = self.last.get(tag, resource)[count]
                check(resource[count] >= before, f"{tag}: {count} {before} became {resource[count]}")
        self.last.update(shown)
        return shown

    def check_states(self, shown, runs):
        for tag, resource in shown.items():
            state, of_it = resource["state"], runs[tag]
            told = f"{tag} is {state} ({resource['reason']}), its last scripts: {of_it[-3:]}"
            action, status = of_it[-1][:2] if of_it else (None, None)
            if state == "ISP":
                check(action == "recover" or (action, status) == ("restore", "0"), told)
            if state == "Online":
                check(action != "stop", told)
            if not is_quiet(resource):
                continue
            if state in ("OSU", "Offline"):
                check(not (action in COMES and status == "0"), told)
            if state == "OSF" and not self.stage.faults:
                well = [place for place, run in enumerate(of_it) if run[0] in COMES and run[1] == "0"]
                check(any(run[1] != "0" for run in of_it[max(well, default=-1) + 1:]), told)

    def check_told(self, responses):
        """No recovery was told twice."""
        for tag, action in ((TOP, "recover"), (BOTTOM, "start")):
            told = responses.heard("recovered", tag)
            check(told <= self.runs[tag][action], f"{tag} was told as recovered {told} times, {self.runs[tag]}")

    def counts(self):
        return f"{sum(count.total() for count in self.runs.values())} scripts, {self.kills_in_scripts} kills while one ran"

    def no_script_runs(self):
        return all(run[1] is not None for of_it in self.work().values() for run in of_it)

    # ---- as an operator ----

    def settled(self):
        """True if both are in service and their applications live. Until then an operator does what is his to do."""
        shown = self.show()
        if set(shown) != {TOP, BOTTOM}:
            return False
        for tag in (BOTTOM, TOP):
            words = self.next_order(tag, shown[tag])
            if words:
                self.stage.order(*words).wait()
                return False
        return self.are({TOP: "ISP", BOTTOM: "Online"}, shown)

    def next_order(self, tag, resource):
        if resource["monitor_sts"] == "off":
            return "start", tag
        if not is_quiet(resource) or resource["state"] == "Wait":
            return None
        if resource["state"] in ("Faulted", "OfflineFault"):
            return "clear", tag
        if resource["state"] != IN[tag]:
            return "restore", TOP
        return None if self.stage.living(tag) else ("check", tag)       # else every 10 s

    def are(self, states, shown=None):
        """Both resources are so, nothing is under way, and their applications live accordingly."""
        shown = shown or self.show()
        return all(tag in shown and shown[tag]["state"] == state and is_quiet(shown[tag]) and len(self.stage.living(tag)) == (state == IN[tag])
                   for tag, state in states.items())

    def is_out(self, shown):
        """Nothing is in service or under way: removed, or it could not be."""
        return all(is_quiet(resource) and resource["state"] not in (*IN.values(), "ISU", "Wait") for resource in shown.values())

    def become(self, states):
        """With nobody's help."""
        try:
            until(lambda: self.seen(states), f"resources {states}", 60)
        except Failure as error:
            raise Failure(f"{error}; {self.stage.state_or_nothing()}") from error
        self.look()
        self.is_dumped()

    def seen(self, states):
        try:
            return self.are(states)
        except Failure:     # pcheck starts
            return False

    def is_dumped(self):
        """A power cut now would lose nothing: the dump file says what the segment says, or what leads there."""
        def there():
            answer = self.world.run(self.world.padmin_command("--dump", self.world.dump, "-c", "show", "resource", "--json"))
            dumped = self.stage.parts(answer.out, "resource") if answer.code == 0 else {}
            return all(tag in dumped and recorded(dumped[tag]) == recorded(one) for tag, one in self.show().items())
        until(there, "the dump to say what the resources are")

    def state(self):
        return [f"{tag}: {resource['state']} ({resource['reason']}) {resource['monitor_sts']} goal={resource['goal']} script={resource['script']} "
                f"living={self.stage.living(tag)}" for tag, resource in self.show().items()]


def is_in(run):
    """The run of a script after which, or during which, its resource is in service or on its way."""
    action, status = run[:2]
    return action == "recover" or action == "restore" and status in (None, "0")


def recorded(resource):
    """In, out or failed, as the next pcheck would take it from a dump."""
    if resource["goal"] in ("in", "out", "failed"):
        return resource["goal"]
    if resource["state"] in ("OSF", "Faulted", "OfflineFault"):
        return "failed"
    return "out" if resource["state"] in OUT.values() else "in"


def is_quiet(resource):
    return resource["goal"] in (None, "none") and resource["script"] is None
