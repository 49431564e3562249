%% Runs inside a real node for the interop tests: reports what the node sees, and evaluates what the test asks for.
%%
%% It connects to a port of the test and ends the node when that connection ends, so that no node outlives its test.
%% Packets have a length of four bytes. From the test: "ID EXPRESSIONS". To the test: "ready PID", then
%% "event TERM" for each node event and each other message sent to `witness`, "ok ID TERM" and "error ID TERM".
-module(witness).
-export([start/1]).

%% What evaluating needs is loaded before anybody looks: a process that is the first to call a module asks the code server, which a
%% trace shows; and where many messages came meanwhile, the virtual machine of OTP 29 ended by a segmentation fault.
start(Port) ->
    ok = code:ensure_modules_loaded([erl_bits, erl_eval, erl_parse, erl_scan, eval_bits]),
    spawn(fun() -> init(Port) end).

init(Port) ->
    register(witness, self()),
    {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {packet, 4}, {nodelay, true}]),
    Options = #{node_type => all, nodedown_reason => true, connection_id => true},
    ok = net_kernel:monitor_nodes(true, Options),
    send(Socket, "ready ~s", [os:getpid()]),
    loop(Socket).

loop(Socket) ->
    receive
        {tcp, Socket, Packet} -> spawn(fun() -> answer(Socket, Packet) end);
        {tcp_closed, Socket} -> erlang:halt(0, [{flush, false}]);
        Event -> send(Socket, "event ~0tp", [Event])
    end,
    loop(Socket).

answer(Socket, Packet) ->
    [Id, Text] = binary:split(Packet, <<" ">>),
    try send(Socket, "ok ~s ~0tp", [Id, evaluate(unicode:characters_to_list(Text))])
    catch Class:Reason -> send(Socket, "error ~s ~0tp", [Id, {Class, Reason}])
    end.

evaluate(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    {value, Value, _} = erl_eval:exprs(Expressions, erl_eval:new_bindings()),
    Value.

send(Socket, Format, Arguments) ->
    ok = gen_tcp:send(Socket, unicode:characters_to_binary(io_lib:format(Format, Arguments))).
