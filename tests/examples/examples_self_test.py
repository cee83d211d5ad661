"""What `examples.py --self-test` seeds: headers that must be refused, examples that must not
compile, and, beside them, ones that are right."""

import subprocess
import tempfile

from examples import Refused, check_header, header_examples, program, readme_examples

RIGHT = r"""#pragma once
namespace ralloc {
/// A type that needs no example.
struct Pair { int first() { return 1; } };
#define MACRO(x) \
  void in_a_macro(x);
inline constexpr int kOne = int(1);
class Later;
/// Returns its argument, and \code in the middle of a line is nothing.
/// \code
/// #include <map>
/// std::map<int, int> map;
/// assert(ralloc::same(map.size()) == 0);
/// \endcode
template <class T, class U = Pair>
[[nodiscard, gnu::returns_nonnull]] T& same(
    T& value) noexcept;
/// A class with members.
/// \code
/// assert(ralloc::Box().get() == 3);
/// \endcode
/// \code
/// assert(ralloc::Box().get() != 4);
/// \endcode
class [[nodiscard]] Box {
 public:
  /// \code
  /// assert(ralloc::Box().get() == 3);
  /// \endcode
  int get() const { return 3; }  // a brace { in a comment
 private:
  int without_example() { struct Inner { void nothing(); }; return 4; }
};
bool operator==(const Box&, const Box&);
namespace detail {
void without_example();
}
}  // namespace ralloc
"""
FUNCTION = "namespace ralloc {\n%s\n}\n"
EXAMPLE = "/// \\code\n/// %s\n/// \\endcode\n"

# What a header must not hold, and how the refusal ends.
REFUSED = {
    FUNCTION % "/// Frees.\nvoid free(void* ptr);": ":3: free has no example",
    FUNCTION % "void* alloc(int size = 16);": "alloc has no example",
    FUNCTION % "inline int twice(int i) { return 2 * i; }": "twice has no example",
    FUNCTION % "template <class T> T* make(int i);": "make has no example",
    FUNCTION % "[[nodiscard]] OomHandler set_oom_handler(OomHandler handler) noexcept;":
        "set_oom_handler has no example",
    FUNCTION % "/// A block.\nclass [[nodiscard]] Block { int a_; };": "Block has no example",
    # An example that a blank line or another declaration parts from the function.
    FUNCTION % (EXAMPLE % "assert(1);" + "\nvoid free();"): "free has no example",
    FUNCTION % (EXAMPLE % "assert(1);" + "void one();\nvoid two();"): ":6: two has no example",
    FUNCTION % (EXAMPLE % "ralloc::one();" + "void one();"):
        ":3: the examples of one assert nothing",
    FUNCTION % "/// \\code\n/// assert(1);\nvoid one();": "\\code without \\endcode",
    FUNCTION % "/// \\endcode\nvoid one();": "\\endcode without \\code",
    FUNCTION % (EXAMPLE % "assert(1);" + "enum S {};"): ":2: an example of no function or class",
}
README = "Text.\n\n```cpp\n#include <ralloc/ralloc.h>\n\n%s\n```\n\n```console\n$ no\n```\n"


def compiles(compiler, include_directory, text):
    with tempfile.NamedTemporaryFile("w", suffix=".cc") as file:
        file.write(text)
        file.flush()
        run = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra",
                              "-Werror", "-I" + include_directory, file.name],
                             capture_output=True, text=True, check=False)
    return run.returncode == 0, run.stderr


def self_test(compiler, include_directory):
    failures = []

    def expect(condition, what):
        if not condition:
            failures.append(what)

    examples = header_examples("right.h", RIGHT)
    expect([(e.suite, e.name, e.line) for e in examples]
           == [("right", "same", 11), ("right", "Box", 20), ("right", "Box", 23),
               ("right", "Box_get", 28)],
           f"examples were {examples}")
    expect(not list(check_header("right.h", RIGHT)), "what is right was refused")
    text = program(examples)
    for wanted in ["#include <map>\n", "TEST(right, same) {\n#line 11 ", "TEST(right, Box_2)",
                   "assert(ralloc::Box().get() != 4);"]:
        expect(wanted in text, f"the program lacks {wanted}")
    for header, sentence in REFUSED.items():
        try:
            lacks = list(check_header("seed.h", header))
        except Refused as refused:
            lacks = [str(refused)]
        expect(any(lack.endswith(sentence) for lack in lacks), f"{lacks} instead of {sentence}")

    for statements, right in [("void* p = ralloc::alloc(8);\nralloc::free(p, 8);", True),
                              ("void* p = ralloc::no_such_function(8);", False),
                              ("int unused = 1;", False),
                              ("ralloc::try_alloc(8);", False)]:
        found = list(readme_examples("seed.md", README % statements))
        expect(len(found) == 1 and found[0].line == 4, f"fences were {found}")
        ok, errors = compiles(compiler, include_directory, program(found))
        expect(ok == right, f"compiles: {ok}, {statements}\n{errors}")
        expect(right or "seed.md:6" in errors, f"the error is not told where it is:\n{errors}")
    for failure in failures:
        print(failure)
    if not failures:
        print(f"{len(REFUSED)} seeded headers are refused, and 3 seeded examples do not compile")
    return 1 if failures else 0
