%% A gen_server that does what it is told, as `scripted.rs` does: requests, messages and what is left to be done are {Steps, Result}.
-module(scripted).
-behaviour(gen_server).
-export([start/1, enter/1]).
-export([init/1, handle_continue/2, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

%% {To, Steps, Result}: who is told, and what init/1 does and returns.
start(How) ->
    gen_server:start({local, scripted}, scripted, How, []).

%% {To, Parent, Trap}: the process becomes a server with that parent.
enter({To, Parent, Trap}) ->
    put('$ancestors', [Parent]),
    register(scripted, self()),
    {ok, State} = init({To, [{trap, Trap}], ok}),
    gen_server:enter_loop(scripted, [], State, {local, scripted}).

init({To, Steps, Result}) ->
    State = run(Steps, none, #{to => To}),
    case Result of
        ok -> {ok, State};
        {ok, Next} -> {ok, State, Next};
        Refused -> Refused
    end.

handle_continue({Steps, Result}, State) ->
    finish(Result, run(Steps, none, State)).

handle_call({Steps, Result}, From, State) ->
    finish(Result, run(Steps, From, State)).

handle_cast({Steps, Result}, State) ->
    finish(Result, run(Steps, none, State)).

handle_info({Steps, Result}, State) when is_list(Steps) ->
    finish(Result, run(Steps, none, State));
handle_info(Info, State) ->
    {noreply, step({tell, {info, Info}}, none, State)}.

terminate(Reason, State) ->
    run([{tell, {terminate, Reason}} | maps:get(at_end, State, [])], none, State).

finish(noreply, State) -> {noreply, State};
finish({noreply, Next}, State) -> {noreply, State, Next};
finish({reply, Reply}, State) -> {reply, Reply, State};
finish({reply, Reply, Next}, State) -> {reply, Reply, State, Next};
finish({stop, Reason}, State) -> {stop, Reason, State};
finish({stop, Reason, Reply}, State) -> {stop, Reason, Reply, State}.

run(Steps, From, State) ->
    lists:foldl(fun(Step, S) -> step(Step, From, S) end, State, Steps).

step({tell, It}, _, #{to := To} = State) -> To ! It, State;
step({reply, Reply}, From, State) -> gen_server:reply(From, Reply), State;
step({keep, Key}, From, State) -> State#{{kept, Key} => From};
step({answer, Key, Reply}, _, State) -> gen_server:reply(map_get({kept, Key}, State), Reply), State;
step({at_end, Steps}, _, State) -> State#{at_end => Steps};
step({trap, On}, _, State) -> process_flag(trap_exit, On), State;
step(wait, _, State) -> receive go -> State end;
step(crash, _, _) -> error(boom).
