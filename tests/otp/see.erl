%% What a server on the node N, which `scripted:start/1` has started there, looks like to those who deal with it.
-module(see).
-export([hide/2, outcome/1, start/3, with/2, with/4, told/1, flush/0, during_init/3, ends/3, crash/3, signalled/3, linked/3, parent/4, all/1, results/1, unknown/0]).

%% The same for a server of whichever node: its pid, its node, and what tells of its inside.
hide(N, N) -> node;
hide(N, Pid) when is_pid(Pid), node(Pid) =:= N -> server;
hide(_, Pid) when is_pid(Pid) -> client;
hide(_, Reference) when is_reference(Reference) -> reference;
hide(N, {Reason, [{M, F, _, Info} | _]}) when is_atom(M), is_atom(F), is_list(Info) -> {hide(N, Reason), stack};
hide(N, {exception, Reason, Stack}) when is_list(Stack) -> {exception, hide(N, Reason), stack};
hide(N, {'EXIT', {Reason, Stack}}) when is_list(Stack) -> {'EXIT', {hide(N, Reason), stack}};
hide(N, Tuple) when is_tuple(Tuple) -> list_to_tuple(hide(N, tuple_to_list(Tuple)));
hide(N, [Head | Tail]) -> [hide(N, Head) | hide(N, Tail)];
hide(_, Term) -> Term.

outcome(Do) ->
    try {ok, Do()} catch Class:Reason -> {Class, Reason} end.

start(N, Steps, Result) ->
    start(N, self(), Steps, Result).

start(N, To, Steps, Result) ->
    erpc:call(N, scripted, start, [{To, Steps, Result}]).

%% With a server, that is gone afterwards.
with(N, Do) ->
    with(N, [], ok, Do).

with(N, Steps, Result, Do) ->
    {ok, Server} = start(N, Steps, Result),
    try Do(Server) after kill(Server) end.

kill(Server) ->
    Monitor = monitor(process, Server),
    exit(Server, kill),
    receive {'DOWN', Monitor, _, _, _} -> ok end.

%% What has come, when the server has done all that it was asked for.
told(Server) ->
    ok = gen_server:call(Server, {[], {reply, ok}}, infinity),
    flush().

flush() ->
    receive It -> [shown(It) | flush()] after 0 -> [] end.

shown({[alias | _], Reply}) -> {reply, Reply};
shown({'DOWN', _, _, _, Reason}) -> {down, Reason};
shown({'EXIT', _, Reason}) -> {exit, Reason};
shown(It) -> It.

%% All that comes up to the end, but for what other processes of this node say.
until_down(Monitor) ->
    receive
        {'DOWN', Monitor, _, _, Reason} -> [{down, Reason}];
        It when element(1, It) =/= by -> [shown(It) | until_down(Monitor)]
    end.

by(What) ->
    receive {by, What, It} -> It end.

%% A server's init/1 waits while somebody calls it, monitors it, and wants to start another one: what they are told, what the starter is told, whether
%% the name is free as soon as he is, and what is told who calls then.
during_init(N, Steps, Result) ->
    Own = self(),
    Name = {scripted, N},
    Start = fun() ->
        Started = outcome(fun() -> start(N, Own, [{tell, {in_init}}, wait | Steps], Result) end),
        Again =
            case Started of
                {ok, {ok, _}} -> running;
                _ -> with(N, fun(_) -> free end)
            end,
        Own ! {by, start, {Started, Again}}
    end,
    spawn(Start),
    receive {in_init} -> ok end,
    Monitor = monitor(process, Name),
    Request = gen_server:send_request(Name, {[{tell, {called}}], {stop, normal, there}}),
    Another = outcome(fun() -> start(N, [], ok) end),
    Name ! go,
    Answer = gen_server:receive_response(Request, infinity),
    {Another, by(start), Answer, until_down(Monitor), outcome(fun() -> gen_server:call(Name, x, infinity) end)}.

%% A server that ends: what End gives, what the server tells, and what its monitor, its link and who calls it are told.
ends(N, Steps, End) ->
    Own = self(),
    {ok, Server} = start(N, Steps, ok),
    Link = fun() ->
        process_flag(trap_exit, true),
        link(Server),
        Own ! {by, linked, gen_server:call(Server, {[], {reply, ok}}, infinity)},
        receive {'EXIT', Server, Reason} -> Own ! {by, link, Reason} end
    end,
    spawn(Link),
    by(linked),
    Wait = fun() -> gen_server:call(Server, {[{tell, {waits}}], noreply}, infinity) end,
    spawn(fun() -> Own ! {by, wait, outcome(Wait)} end),
    receive {waits} -> ok end,
    Monitor = monitor(process, Server),
    Result = outcome(fun() -> End(Server) end),
    {Result, until_down(Monitor), by(link), by(wait), outcome(fun() -> gen_server:call({scripted, N}, x, infinity) end)}.

%% The same in short.
crash(N, Steps, End) ->
    {Result, Told, Link, Wait, After} = ends(N, Steps, End),
    {short(Result), Told, Link, short(Wait), short(After)}.

short({ok, Value}) -> Value;
short({exit, {Reason, {_, _, Arguments}}}) when is_list(Arguments) -> Reason;
short({exit, Reason}) -> Reason.

%% A server that this process sends signals to: whether it is there, and what was told.
signalled(N, Steps, Do) ->
    {ok, Server} = start(N, Steps, ok),
    Monitor = monitor(process, Server),
    Do(Server),
    case outcome(fun() -> gen_server:call(Server, {[], {reply, there}}, infinity) end) of
        {ok, there} -> there(Server, Monitor);
        {exit, _} -> {gone, until_down(Monitor)}
    end.

there(Server, Monitor) ->
    Told = told(Server),
    demonitor(Monitor, [flush]),
    kill(Server),
    {there, Told}.

%% A process that is linked with a server, but is not its parent, ends for this reason.
linked(N, Trap, Reason) ->
    {ok, Server} = start(N, [{trap, Trap}], ok),
    Monitor = monitor(process, Server),
    Link = fun() ->
        link(Server),
        gen_server:call(Server, {[], {reply, ok}}, infinity),
        exit(Reason)
    end,
    spawn(Link),
    case {Trap, Reason} of
        {true, _} -> receive {info, _} = It -> {It, there(Server, Monitor)} end;
        {false, normal} -> there(Server, Monitor);
        {false, _} -> {gone, until_down(Monitor)}
    end.

%% The parent of a server ends for this reason, or sends it.
parent(N, Trap, How, Reason) ->
    Own = self(),
    Parent = fun() ->
        Server = spawn_link(N, scripted, enter, [{Own, self(), Trap}]),
        gen_server:call(Server, {[], {reply, ok}}, infinity),
        Own ! {by, parent, Server},
        receive go -> ok end,
        case How of
            ends ->
                exit(Reason);
            sends ->
                process_flag(trap_exit, true),
                exit(Server, Reason),
                receive done -> ok end
        end
    end,
    Pid = spawn(Parent),
    Server = by(parent),
    Monitor = monitor(process, Server),
    Pid ! go,
    Seen =
        case {Trap, Reason} of
            {false, normal} -> there(Server, Monitor);
            _ -> {gone, until_down(Monitor)}
        end,
    Pid ! done,
    Seen.

%% The answers to all requests of a collection.
all(Requests) ->
    case gen_server:receive_response(Requests, infinity, true) of
        no_request -> [];
        {Answer, Label, Rest} -> lists:sort([{Label, Answer} | all(Rest)])
    end.

%% The results of all calls of a collection.
results(Requests) ->
    try erpc:receive_response(Requests, infinity, true) of
        no_request -> [];
        {Result, Label, Rest} -> lists:sort([{Label, Result} | results(Rest)])
    catch
        Class:{Reason, Label, Rest} -> lists:sort([{Label, {Class, Reason}} | results(Rest)])
    end.

%% A fun of a module that the other node does not have.
unknown() ->
    fun() -> here end.
