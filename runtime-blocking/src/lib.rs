//! An Erlang distribution node on blocking sockets and threads.
