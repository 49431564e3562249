%% Plays the processes of a script on a real node: `same_script` tells them what to do, and asks what they saw.
%%
%% What comes to an actor and is not from the script's director goes to the process `player`, which keeps it in order, and adds
%% `{ended,Reason}` when the actor ends.
-module(player).
-export([cast/1, step/3, seen/1, stop/0, actor/0, child/1]).

%% Makes an actor for each name: their pids.
cast(Names) ->
    Self = self(),
    spawn(fun() ->
        register(player, self()),
        Actors = [{spawn(?MODULE, actor, []), Name} || Name <- Names],
        [monitor(process, Pid) || {Pid, _} <- Actors],
        Self ! {cast, [Pid || {Pid, _} <- Actors]},
        keep(maps:from_list(Actors), #{}, none)
    end),
    receive {cast, Pids} -> Pids end.

%% Has an actor do this, then wait until what it sent has come to those others: what its calls returned, or `ended`.
step(Pid, Ops, Syncs) ->
    Tag = monitor(process, Pid),
    Pid ! {'$do', self(), Tag, Ops, Syncs},
    receive
        {Tag, Results} -> demonitor(Tag, [flush]), Results;
        {'DOWN', Tag, process, Pid, _} -> ended
    end.

%% What each actor saw since the last call, once these have seen so much.
seen(Counts) ->
    player ! {seen, self(), Counts},
    receive {seen, Log} -> Log end.

%% Ends all actors.
stop() ->
    player ! {stop, self()},
    receive stopped -> ok end.

keep(Names, Log, Waiting) ->
    case Waiting of
        {From, Counts} ->
            case lists:all(fun({Name, Count}) -> length(maps:get(Name, Log, [])) >= Count end, Counts) of
                true -> From ! {seen, maps:to_list(Log)}, hear(Names, #{}, none);
                false -> hear(Names, Log, Waiting)
            end;
        none -> hear(Names, Log, none)
    end.

hear(Names, Log, Waiting) ->
    receive
        {saw, Pid, Item} -> keep(Names, add(maps:get(Pid, Names), Item, Log), Waiting);
        {'DOWN', _, process, Pid, Reason} ->
            {Name, Rest} = maps:take(Pid, Names),
            keep(Rest, add(Name, {ended, Reason}, Log), Waiting);
        {began, Pid, Name} ->
            monitor(process, Pid),
            keep(Names#{Pid => Name}, add(Name, {began, Pid}, Log), Waiting);
        {seen, From, Counts} -> keep(Names, Log, {From, Counts});
        {stop, From} ->
            [begin exit(Pid, kill), receive {'DOWN', _, process, Pid, _} -> ok end end || Pid <- maps:keys(Names)],
            unregister(player),
            From ! stopped
    end.

add(Name, Item, Log) ->
    Log#{Name => maps:get(Name, Log, []) ++ [Item]}.

%% A process that an actor has spawned is one, too, and says so first.
child(Name) ->
    player ! {began, self(), Name},
    actor().

actor() ->
    receive
        {'$do', From, Tag, Ops, Syncs} ->
            Results = [try do(Op) catch error:badarg -> badarg end || Op <- Ops],
            Sync = make_ref(),
            [Pid ! {'$sync', self(), Sync} || Pid <- Syncs],
            [receive {'$synced', Sync} -> ok end || _ <- Syncs],
            From ! {Tag, Results};
        {'$sync', From, Sync} -> From ! {'$synced', Sync};
        Item -> player ! {saw, self(), Item}
    end,
    actor().

do({link, Pid}) -> link(Pid);
do({unlink, Pid}) -> unlink(Pid);
do({links}) -> element(2, process_info(self(), links));
do({monitor, Of, _}) -> monitor(process, Of);
do({monitor, Of, _, Alias}) -> monitor(process, Of, [{alias, Alias}]);
do({demonitor, Monitor}) -> demonitor(Monitor, [info]);
do({exit, Pid, Reason}) -> exit(Pid, Reason);
do({terminate, Reason}) -> exit(Reason);
do({trap_exit, On}) -> process_flag(trap_exit, On);
do({alias, _, Option}) -> alias([Option]);
do({unalias, Alias}) -> unalias(Alias);
do({send, To, Message}) -> To ! Message, sent;
do({register, Name}) -> register(Name, self());
do({unregister, Name}) -> unregister(Name);
do({monitor_node, Node, On}) -> monitor_node(Node, On);
do({disconnect, Node}) -> erlang:disconnect_node(Node);
do({spawn, Node, Name, F}) -> spawn(Node, module(F), F, [Name]);
do({spawn_link, Node, Name, F}) -> spawn_link(Node, module(F), F, [Name]);
do({spawn_monitor, Node, Name, F, _}) -> spawn_monitor(Node, module(F), F, [Name]);
do({spawn_opt, Node, Name, F, Options}) -> spawn_opt(Node, module(F), F, [Name], Options);
do({spawn_opt, Node, Name, F, Options, _}) -> spawn_opt(Node, module(F), F, [Name], Options);
do({spawn_request, Node, Name, F, _}) -> spawn_request(Node, module(F), F, [Name]);
do({spawn_request, Node, Name, F, Options, _}) -> spawn_request(Node, module(F), F, [Name], Options);
do({abandon, Request}) -> spawn_request_abandon(Request).

module(child) -> ?MODULE;
module(nobody) -> nomod.
