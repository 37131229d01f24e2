// SPDX-License-Identifier: Apache-2.0
// The script of resources by the hundred: as small as a process can be. With a path it ends when it has opened that for reading: at once if
// nothing is there, never if it is a FIFO that nobody writes to.
#include <fcntl.h>

int main(int argc, char** argv) {
    if (argc > 1 && argv[1][0] == '/') static_cast<void>(open(argv[1], O_RDONLY | O_CLOEXEC));
}
