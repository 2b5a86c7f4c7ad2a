"""Runs one module of Python's own test suite and prints a line `= RESULT TEST` for each test.

    python3 run_tests.py MODULE [EXCEPTION...]

An exception is the full name of a test, or a prefix that ends with a dot: it is not run. A test that takes
longer than a minute ends the run with a traceback of all threads.
"""

import faulthandler
import importlib
import os
import sys
import tempfile
import unittest

LIMIT = 60


class Lines(unittest.TestResult):
    def line(self, result, test):
        sys.stdout.write(f"\n= {result} {test.id()}\n")  # tests print, too
        sys.stdout.flush()

    def startTest(self, test):
        super().startTest(test)
        self.clean = True
        faulthandler.dump_traceback_later(LIMIT, exit=True)

    def stopTest(self, test):
        faulthandler.cancel_dump_traceback_later()
        super().stopTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        if self.clean:
            self.line("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line("FAIL", test)
        sys.stderr.write(self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.line("ERROR", test)
        sys.stderr.write(self.errors[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None and self.clean:
            self.clean = False
            self.line("FAIL", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line("skipped", test)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.line("expected-failure", test)


def each(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from each(item)
        else:
            yield item


def main(module, exceptions):
    excepted = lambda name: any(name == e or e.endswith(".") and name.startswith(e) for e in exceptions)
    # The harness of CPython gives each module a directory of its own and no resources but the safe ones.
    import test.support

    test.support.use_resources = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        suite = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(f"test.{module}"))
        # Classes keep together, so that their set-up runs once.
        chosen = unittest.TestSuite(test for test in each(suite) if not excepted(test.id()))
        chosen.run(Lines())
        os.chdir("/")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
    sys.stdout.write("\n= ok end-of-the-module\n")
    sys.stdout.flush()
    os._exit(0)
