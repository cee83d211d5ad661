#!/usr/bin/env python3
"""The table's reader takes what is promised for that, and nothing else."""
import signal
import sys
import unittest

sys.dont_write_bytecode = True
import table  # noqa: E402

SENTENCE = "double free of POINTER, which is free already"
AT_ONCE, LATER, GUARD, WORKS, WRONG = (("at once", SENTENCE), ("later", SENTENCE),
                                       ("guard", None), ("works", None), ("wrong", None))
SAID = "ralloc: double free of 0x10, which is free already\n"
ABORT, SEGV = -signal.SIGABRT, -signal.SIGSEGV


def broken(promise, status, out, err):
    return table.why_broken(promise, table.Outcome(status, out, err))


class ReaderTest(unittest.TestCase):
    def test_braces_stand_for_each_word_in_them(self):
        self.assertEqual(table.expand("a{b,c{,d}} {1,2}"),
                         ["ab 1", "ab 2", "ac 1", "ac 2", "acd 1", "acd 2"])

    def test_a_line_has_a_promise_for_each_build(self):
        _, (case,) = table.read(f"s = {SENTENCE}\n[a kind]\nprogram 1 | later s or guard | -\n")
        self.assertEqual(case, ("a kind", "program", ("1",),
                                {"plain": [LATER, GUARD], "secure": []}))

    def test_an_indented_line_goes_on(self):
        self.assertEqual(table.read("[k]\np {1,2}\n    | works\n    | -\nq | - | works"),
                         table.read("[k]\np {1,2} | works | -\nq | - | works"))

    def test_mistakes_are_refused(self):
        for text in ("p | works", "p | works | works | works", "p | at once s | works",
                     "p | perhaps | works", "p {1 | works | works",
                     "p {1,1} | works | works"):
            with self.assertRaises(SystemExit, msg=text):
                table.read(text)

    def test_the_table_has_no_mistake(self):
        self.assertGreater(len(table.load()[1]), 100)


class JudgeTest(unittest.TestCase):
    def test_the_promised_death_is_accepted(self):
        self.assertIsNone(broken(AT_ONCE, ABORT, "0x10\n", SAID))
        self.assertIsNone(broken(LATER, ABORT, "0x10\n", SAID))
        self.assertIsNone(broken(LATER, ABORT, "0x8\n0x10\nstill alive\n", SAID))

    def test_a_block_beside_it_is_accepted_where_that_is_promised(self):
        promise = ("later", SENTENCE.replace("POINTER", "BESIDE"))
        self.assertIsNone(broken(promise, ABORT, "0x8\n0xfff0\n", SAID))
        self.assertIn("said", broken(promise, ABORT, "0x10010\n", SAID))
        self.assertIn("said", broken(promise, ABORT, "0x8\n", SAID.replace("double", "single")))
        self.assertIsNone(broken(GUARD, SEGV, "0x10\n", ""))

    def test_what_is_noticed_late_is_not_at_once(self):
        self.assertIsNotNone(broken(AT_ONCE, ABORT, "0x10\nstill alive\n", SAID))

    def test_another_death_is_not_accepted(self):
        for promise in (AT_ONCE, LATER):
            self.assertIsNotNone(broken(promise, 0, "0x10\n", SAID))
            self.assertIsNotNone(broken(promise, SEGV, "0x10\n", SAID))
            self.assertIsNotNone(broken(promise, ABORT, "0x20\n", SAID))
            self.assertIsNotNone(broken(promise, ABORT, "", SAID))
            self.assertIsNotNone(broken(promise, ABORT, "0x10\n", SAID + "more\n"))
            self.assertIsNotNone(broken(promise, ABORT, "0x10\nmore\n", SAID))
            self.assertIsNotNone(broken(promise, "hung", "", ""))
        self.assertIsNotNone(broken(GUARD, ABORT, "0x10\n", ""))
        self.assertIsNotNone(broken(GUARD, SEGV, "0x10\n", SAID))

    def test_what_works_says_nothing(self):
        self.assertIsNone(broken(WORKS, 0, "0x10\nstill alive\n", ""))
        for status, out, err in ((0, "", SAID), (0, "more\n", ""), (1, "", ""), (SEGV, "", "")):
            self.assertIsNotNone(broken(WORKS, status, out, err))

    def test_what_is_wrong_is_said(self):
        self.assertIsNone(broken(WRONG, 1, "0x10\nwrong: forged\n", ""))
        for status, out in ((1, ""), (0, "wrong: forged\n"), (SEGV, "wrong: forged\n")):
            self.assertIsNotNone(broken(WRONG, status, out, ""))

    def test_one_of_several_promises_is_enough(self):
        outcome = table.Outcome(SEGV, "0x10\n", "")
        self.assertIsNone(table.fault([AT_ONCE, GUARD], outcome))
        self.assertIsNotNone(table.fault([AT_ONCE, WORKS], outcome))


if __name__ == "__main__":
    unittest.main()
