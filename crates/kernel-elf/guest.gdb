# For gdb on a sandbox's host process (`catalyzer run` is its ancestor: `pstree -p` shows it):
#
#     gdb -p PID -x crates/kernel-elf/guest.gdb
#
# Loads the symbols of the guest kernel, which lies at its fixed base in every sandbox, and lets the signals pass
# that are a sandbox's daily bread: SIGSYS is a trapped system call, SIGSEGV may be a copy from user memory,
# signal 34 interrupts a thread for the kernel.
set pagination off
handle SIGSYS nostop noprint pass
handle SIGSEGV nostop noprint pass
handle SIG34 nostop noprint pass

python
import glob, os

def newest_kernel():
    pattern = "target/*/build/monitor-*/out/kernel/kernel/kernel-elf"
    found = sorted(glob.glob(pattern), key=os.path.getmtime)
    return found[-1] if found else None

class GuestSymbols(gdb.Command):
    """guest-symbols [FILE]: load the guest kernel's symbols, of the newest build unless a file is given."""
    def __init__(self):
        super().__init__("guest-symbols", gdb.COMMAND_FILES, gdb.COMPLETE_FILENAME)
    def invoke(self, argument, from_tty):
        path = argument or newest_kernel()
        if path is None:
            raise gdb.GdbError("no guest kernel was built here; give its file")
        gdb.execute("symbol-file " + path)
        print("guest kernel symbols from " + path)

class GuestWhere(gdb.Command):
    """guest-where: for each host thread, whether it is in the program, the guest kernel or the host's vDSO."""
    def __init__(self):
        super().__init__("guest-where", gdb.COMMAND_STACK)
    def invoke(self, argument, from_tty):
        for thread in gdb.selected_inferior().threads():
            thread.switch()
            # Not by an expression: its syntax depends on the language of the code that runs.
            rip = int(gdb.newest_frame().read_register("rip"))
            if rip < 0x7dff00000000: place = "program"
            elif 0x7e0000000000 <= rip < 0x7e1000000000: place = "guest kernel"
            else: place = "above the guest"
            function = gdb.selected_frame().name() or ""
            print("thread %d (%d): %s at %#x %s" % (thread.num, thread.ptid[1], place, rip, function))

GuestSymbols()
GuestWhere()
gdb.execute("guest-symbols")
end
