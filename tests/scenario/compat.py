# SPDX-License-Identifier: Apache-2.0
"""What scripts of other products find: the directory that installing makes below the prefix, made of what is built."""
import os
import socket

SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../samples")
PROGRAMS = ("compat/ins_list", "compat/lk_err", "compat/perform_action", "sendevent/sendevent")


def root(world):
    """The directory, ahead in the PATH of what this world runs from now on; they all log where its pcheck does."""
    place = world.path("lk")
    os.makedirs(os.path.join(place, "bin"))
    os.makedirs(os.path.join(place, "subsys/actions"))
    for program in PROGRAMS:
        os.symlink(os.path.join(world.build, program), os.path.join(place, "bin", os.path.basename(program)))
    library = os.path.realpath(os.path.join(SAMPLES, "lib/generic-functions.sh"))
    for name in ("bin/generic-functions.sh", "bin/prfuncs", "subsys/actions/prfuncs"):
        os.symlink(library, os.path.join(place, name))
    world.environment.update(PATH=f"{place}/bin:{os.environ['PATH']}", BANKEN_CONF=world.conf)
    return place


def closed_port():
    """A port of the loopback that nobody listens at, and nobody has used yet."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
