%% Decodes and encodes terms in the virtual machine. The arguments are files with a term each.
-module(term_figures).
-export([main/1]).

main(Files) ->
    lists:foldl(fun(File, At) ->
        {ok, Bytes} = file:read_file(File),
        Term = binary_to_term(Bytes),
        report("decode", At, fun(N) -> decode(Bytes, N, []) end),
        report("encode", At, fun(N) -> encode(Term, N, []) end),
        At + 1
    end, 0, Files).

report(What, At, Fun) -> report(What, At, Fun, 1).

%% The runtime is that of the processor, in milliseconds.
report(What, At, Fun, N) ->
    {Begin, _} = statistics(runtime),
    Fun(N),
    case element(1, statistics(runtime)) - Begin of
        Passed when Passed > 60 -> io:format("~s ~b ~.2f~n", [What, At, Passed * 1.0e6 / N]);
        _ -> report(What, At, Fun, 2 * N)
    end.

decode(_, 0, Last) -> Last;
decode(Bytes, N, _) -> decode(Bytes, N - 1, binary_to_term(Bytes)).

encode(_, 0, Last) -> Last;
encode(Term, N, _) -> encode(Term, N - 1, term_to_binary(Term)).
