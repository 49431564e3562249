%% Many pairs of processes, one of each here and one elsewhere, which send each other numbered messages at once, and check what comes.
%% `netkernel_tests::traffic` is the other end, and says what the messages are.
-module(traffic).
-export([start/0, progress/0, results/0]).

%% Waits at `traffic` for the other ends: `{hello,From,Count,Name,[{Pid,Alias}]}`, and answers with a list of the same form. Count is
%% `endless` for traffic until the other node is gone: then each pair is linked and monitored, too.
start() ->
    Self = self(),
    spawn(fun() ->
        register(traffic, self()),
        Self ! started,
        receive
            {hello, From, Count, Name, Others} ->
                Office = self(),
                Counters = counters:new(2, []),
                persistent_term:put(traffic, {Counters, length(Others)}),
                Numbered = lists:zip(lists:seq(0, length(Others) - 1), Others),
                Pids = [spawn(fun() -> pair(Office, Number, {Name, node(From)}, Other, Count, Counters) end) || {Number, Other} <- Numbered],
                Ends = [receive {Pid, Alias} -> {Pid, Alias} end || Pid <- Pids],
                From ! Ends,
                [Pid ! go || Pid <- Pids],
                office(Pids)
        end
    end),
    receive started -> ok end.

%% How many messages have come; 0 as long as not all processes have begun.
progress() ->
    case persistent_term:get(traffic, none) of
        none -> 0;
        {Counters, Pairs} ->
            case counters:get(Counters, 2) of
                Pairs -> counters:get(Counters, 1);
                _ -> 0
            end
    end.

%% What came to each: how many messages, and what ended the traffic, in this order. Endless traffic must have ended before.
results() ->
    traffic ! {results, self()},
    receive {results, Results} -> Results end.

office(Pids) ->
    receive
        {results, To} ->
            [Pid ! finish || Pid <- Pids],
            To ! {results, [receive {result, Pid, Got, Losses} -> {Got, Losses} end || Pid <- Pids]}
    end.

pair(Office, Number, {Name, Node}, {Pid, Alias}, Count, Counters) ->
    Own = alias(),
    register(name(Name, Number), self()),
    Office ! {self(), Own},
    receive go -> ok end,
    case Count of
        endless ->
            process_flag(trap_exit, true),
            link(Pid),
            monitor(process, Pid),
            monitor_node(Node, true);
        _ -> ok
    end,
    counters:add(Counters, 2, 1),
    To = {Pid, {name(Name, Number), Node}, Alias},
    {Got, Losses} = send_and_receive(Number, To, Count, Counters, 0, 0, []),
    Office ! {result, self(), Got, lists:reverse(Losses)}.

name(Name, Number) ->
    list_to_atom(atom_to_list(Name) ++ integer_to_list(Number)).

send_and_receive(Number, To, Count, Counters, Sent, Got, []) when Sent < Count ->
    Seq = Sent + 1,
    element(Seq rem 3 + 1, To) ! {Seq, payload(Number, Seq)},
    drain(Number, To, Count, Counters, Seq, Got, [], 0);
send_and_receive(_, _, Count, _, Count, Count, []) ->
    receive finish -> {Count, []} end;
send_and_receive(Number, To, Count, Counters, Sent, Got, Losses) ->
    drain(Number, To, Count, Counters, Sent, Got, Losses, infinity).

%% Takes what is there, and waits for one item if there is nothing else to do.
drain(Number, To, Count, Counters, Sent, Got, Losses, Wait) ->
    receive
        {Seq, Payload} when is_integer(Seq), is_binary(Payload) ->
            {Seq, Payload, []} = {Got + 1, payload(Number, Seq), Losses},
            counters:add(Counters, 1, 1),
            more(Number, To, Count, Counters, Sent, Seq, Losses);
        {'EXIT', Pid, noconnection} when Pid =:= element(1, To) ->
            more(Number, To, Count, Counters, Sent, Got, [exit | Losses]);
        {'DOWN', _, process, Pid, noconnection} when Pid =:= element(1, To) ->
            more(Number, To, Count, Counters, Sent, Got, [down | Losses]);
        {nodedown, _} ->
            more(Number, To, Count, Counters, Sent, Got, [nodedown | Losses]);
        finish when Count =:= endless -> {Got, Losses}
    after Wait -> send_and_receive(Number, To, Count, Counters, Sent, Got, Losses)
    end.

more(Number, To, Count, Counters, Sent, Count, []) ->
    send_and_receive(Number, To, Count, Counters, Sent, Count, []);
more(Number, To, Count, Counters, Sent, Got, Losses) when Losses =/= [] ->
    drain(Number, To, Count, Counters, Sent, Got, Losses, infinity);
more(Number, To, Count, Counters, Sent, Got, Losses) when Sent =:= Count ->
    drain(Number, To, Count, Counters, Sent, Got, Losses, infinity);
more(Number, To, Count, Counters, Sent, Got, Losses) ->
    drain(Number, To, Count, Counters, Sent, Got, Losses, 0).

payload(Number, Seq) ->
    Copies = case Seq rem 400 of 0 -> 25000; Rest -> Rest rem 13 end,
    binary:copy(<<Number:8, Seq:24>>, Copies).
