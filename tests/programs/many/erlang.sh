# Erlang, whose allocators take large blocks and cut them up: messages between processes.
# packages: erlang-base
erl -noshell -eval '
Me = self(),
[spawn(fun() -> Me ! length([erlang:md5(<<I:32, J:32>>) || I <- lists:seq(1, 20000)]) end)
 || J <- lists:seq(1, 50)],
io:format("~p~n", [lists:sum([receive N -> N end || _ <- lists:seq(1, 50)])]),
halt(0).'
