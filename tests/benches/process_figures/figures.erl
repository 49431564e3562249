%% What `process_figures` talks to on a node of Erlang, and the same measurements between two such nodes.
-module(figures).
-export([start/0, to/3, from/3, round_trips/3]).

%% `sink` counts messages, `source` sends them, `echo` gives them back.
start() ->
    [register(Name, spawn(Loop)) || {Name, Loop} <- [{sink, fun sink/0}, {source, fun source/0}, {echo, fun echo/0}]],
    ok.

sink() ->
    receive {'begin', From, Count} -> take(Count), From ! done end,
    sink().

take(0) -> ok;
take(Count) -> receive Bytes when is_binary(Bytes) -> take(Count - 1) end.

source() ->
    receive {flood, To, Count, Size} -> give(To, Count, binary:copy(<<16#A5>>, Size)) end,
    source().

give(_, 0, _) -> ok;
give(To, Count, Bytes) -> To ! Bytes, give(To, Count - 1, Bytes).

echo() ->
    receive {From, Bytes} -> From ! Bytes end,
    echo().

%% Microseconds for so many messages to another node.
to(Node, Count, Size) ->
    time(fun() ->
        {sink, Node} ! {'begin', self(), Count},
        give({sink, Node}, Count, binary:copy(<<16#A5>>, Size)),
        receive done -> ok end
    end).

from(Node, Count, Size) ->
    time(fun() -> {source, Node} ! {flood, self(), Count, Size}, take(Count) end).

round_trips(Node, Count, Size) ->
    Bytes = binary:copy(<<16#A5>>, Size),
    time(fun() -> [begin {echo, Node} ! {self(), Bytes}, receive Bytes -> ok end end || _ <- lists:seq(1, Count)] end).

time(Fun) ->
    element(1, timer:tc(Fun)).
