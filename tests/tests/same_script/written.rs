//! Scripts that somebody wrote, each for one rule or one difficulty.

/// Titles and texts.
pub(crate) const SCRIPTS: [(&str, &str); 35] = [
    (
        "a link ends both, with the reason of the first",
        "a1 link b1\n a1 links\n b1 links\n b1 terminate {bye,[1,2.5],#{a2=>b2}}",
    ),
    (
        "a normal end is no end for those who do not trap exits",
        "a1 link b1\n b2 link a2\n a2 trap_exit true\n b1 terminate normal\n b2 terminate normal\n a1 links",
    ),
    (
        "who traps exits is told, whatever the reason",
        "a1 trap_exit true\n b1 trap_exit true\n a1 link b1\n a1 link b2\n a1 link b3\n b2 terminate normal\n b3 terminate kill\n b1 exit a1 hello\n a1 terminate shutdown",
    ),
    (
        "the reason kill of an end is one as any other",
        "a1 trap_exit true\n b1 link a1\n b2 link a2\n b1 terminate kill\n b2 terminate kill",
    ),
    (
        "kill by a signal cannot be trapped, and others are told killed",
        "b1 trap_exit true\n b1 link a2\n a2 trap_exit true\n b3 link b1\n a1 monitor b1 m1\n a1 exit b1 kill",
    ),
    (
        "normal by a signal ends nobody else",
        "a1 exit b1 normal\n b2 trap_exit true\n a1 exit b2 normal\n b1 exit a1 normal\n b1 links",
    ),
    (
        "normal from oneself is an end",
        "a1 exit a1 normal\n b1 trap_exit true\n b1 exit b1 normal\n b1 exit b1 kill",
    ),
    (
        "signals that nobody gets",
        "b1 terminate normal\n a1 exit b1 bye\n a1 send b1 hello\n a1 unlink b1\n a1 send {shop,b} hello\n b2 exit b1 kill",
    ),
    (
        "a link to who is gone",
        "a1 trap_exit true\n b1 terminate bye\n a1 link b1\n a1 link b1\n a2 link b1\n b2 trap_exit true\n b2 link b1",
    ),
    (
        "unlinks",
        "a1 link b1\n b1 unlink a1\n b1 unlink a1\n b1 terminate bye\n a1 link b2\n a1 link b2\n a1 unlink b2\n a1 links\n b2 links\n b2 terminate bye\n a1 unlink b3\n b3 link a1\n a1 terminate bye",
    ),
    (
        "monitors by pid and by name",
        "b1 register shop\n a1 monitor b1 m1\n a1 monitor {shop,b} m2\n a2 monitor {shop,b} m3\n b2 monitor {shop,b} m4\n a3 monitor {mill,b} m5\n b1 terminate {bye,b1}",
    ),
    (
        "monitors of those who are gone",
        "b1 terminate bye\n a1 monitor b1 m1\n a1 monitor {shop,b} m2\n b2 monitor b1 m3\n b2 monitor {shop,a} m4\n a1 demonitor m1",
    ),
    (
        "what a name stands for is looked up once",
        "b1 register shop\n a1 monitor {shop,b} m1\n b1 unregister shop\n b2 register shop\n b2 terminate bye\n b1 terminate bye2\n a1 demonitor m1",
    ),
    (
        "demonitors",
        "a1 monitor b1 m1\n a1 monitor b1 m2\n a1 demonitor m1\n a1 demonitor m1\n b2 monitor a1 m3\n b2 demonitor m3\n b1 terminate bye\n a1 demonitor m2\n a1 terminate bye",
    ),
    (
        "links before monitors",
        "a1 trap_exit true\n a1 monitor b1 m1\n a1 link b1\n a2 monitor b1 m2\n b1 terminate {a,b}\n b2 link a1\n b2 monitor a1 m3\n a1 terminate bye",
    ),
    (
        "links pass an end on, from node to node",
        "a1 link b1\n b1 link a2\n a2 link b2\n a3 trap_exit true\n a3 link b2\n b3 monitor a1 m1\n b3 monitor b2 m2\n a1 terminate {bye,1}",
    ),
    (
        "aliases",
        "a1 alias x1 explicit_unalias\n b1 send x1 {one,x1}\n b1 send x1 two\n a2 send x1 three\n a1 unalias x1\n a1 unalias x1\n b1 send x1 four\n a1 alias x2 reply\n b1 send x2 five\n b1 send x2 six\n a1 unalias x2",
    ),
    (
        "aliases of monitors",
        "a1 monitor b1 m1 demonitor\n b2 send m1 one\n b2 send m1 two\n a1 demonitor m1\n b2 send m1 three\n a1 monitor b1 m2 reply_demonitor\n b2 send m2 four\n b2 send m2 five\n a1 demonitor m2\n b1 terminate bye",
    ),
    (
        "aliases that outlive their monitors, and such that do not",
        "a1 monitor b1 m1 explicit_unalias\n a1 monitor b1 m2 demonitor\n a2 monitor b1 m3 reply_demonitor\n a2 monitor b1 m4 explicit_unalias\n a2 unalias m4\n b1 terminate bye\n b2 send m1 one\n b2 send m2 two\n b2 send m3 three\n b2 send m4 four\n a1 unalias m1",
    ),
    (
        "aliases end with their process",
        "b1 alias x1 explicit_unalias\n a1 send x1 one\n a1 exit b1 bye\n a1 send x1 two\n b2 send x1 three\n a2 monitor b2 m1\n b3 send m1 four",
    ),
    (
        "names",
        "b1 register shop\n b2 register shop\n b1 register mill\n a1 send {shop,b} {hello,a1}\n a1 register shop\n a1 send {shop,a} own\n b1 unregister shop\n a1 send {shop,b} lost\n b2 register shop\n a1 send {shop,b} {hello,2}\n b2 terminate bye\n b3 register shop\n b3 unregister mill",
    ),
    (
        "large reasons and messages",
        "a1 trap_exit true\n a1 link b1\n a1 monitor b1 m1\n b1 send a1 {large,large}\n a1 send b2 large\n b1 terminate {large,large}\n a1 exit b2 large\n a2 exit a1 large",
    ),
    (
        "the loss of a node",
        "a1 trap_exit true\n a1 link b1\n a2 link b2\n a3 link a2\n b3 trap_exit true\n b3 link a1\n a1 monitor b2 m1\n b3 monitor {shop,a} m2\n a1 register shop\n b3 monitor {shop,a} m3 demonitor\n \
         a1 monitor_node b true\n a1 monitor_node b true\n a1 monitor_node b true\n a1 monitor_node b false\n b3 monitor_node a true\n a1 disconnect b\n a1 disconnect b\n \
         a1 link b1\n a1 monitor b3 m4\n a1 monitor {shop,b} m5\n a1 monitor_node b true\n a1 send b3 lost\n a1 exit b3 bye\n b3 demonitor m3\n b3 send m3 own\n b3 link a1\n b3 exit b3 kill",
    ),
    (
        "the loss of a node, by the other side",
        "b1 trap_exit true\n b1 link a1\n a2 link b2\n a2 monitor b1 m1 explicit_unalias\n a3 monitor_node b true\n a3 monitor_node b false\n a3 monitor_node b false\n b3 monitor_node b true\n \
         b1 disconnect a\n a3 links\n b1 links\n a3 send m1 dropped\n b3 link a1",
    ),
    (
        "a spawned process is one as any other",
        "a1 spawn b bc1 child\n a1 send bc1 {hello,bc1}\n bc1 send a1 back\n bc1 register shop\n a2 send {shop,b} {hello,2}\n a2 trap_exit true\n a2 link bc1\n bc1 trap_exit true\n \
         a3 exit bc1 bye\n bc1 links\n bc1 terminate {bye,bc1}",
    ),
    (
        "a process that is linked from the beginning",
        "a1 trap_exit true\n a1 spawn_link b bc1 child\n a1 links\n bc1 links\n bc1 terminate normal\n b1 spawn_link a ac2 child\n ac2 terminate {bye,1}\n a2 spawn_link b bc3 child\n bc3 trap_exit true\n \
         a2 terminate bye\n a3 spawn_link b bc4 child\n a3 unlink bc4\n bc4 links\n a3 terminate bye",
    ),
    (
        "a process that is monitored from the beginning",
        "a1 spawn_monitor b bc1 child m1\n bc1 terminate {bye,bc1}\n b1 spawn_monitor a ac2 child m2\n b1 demonitor m2\n ac2 terminate bye\n a2 spawn_monitor b bc3 child m3\n a2 terminate bye\n bc3 links",
    ),
    (
        "processes with options",
        "a1 trap_exit true\n a1 spawn_opt b bc1 child [link,monitor,{priority,high}] m1\n bc1 terminate bye\n a1 spawn_opt b bc2 child []\n a1 spawn_opt b bc3 child [{fullsweep_after,1},link]\n bc3 links\n \
         b1 spawn_opt a ac4 child [{monitor,[]},link] m4\n a2 exit ac4 kill",
    ),
    (
        "aliases of the monitors of new processes",
        "a1 spawn_opt b bc1 child [{monitor,[{alias,explicit_unalias}]}] m1\n bc1 send m1 one\n bc1 terminate bye\n b2 send m1 two\n a1 unalias m1\n b2 send m1 three\n \
         a1 spawn_request b bc2 child [{monitor,[{alias,reply_demonitor}]}] m2\n bc2 send m2 four\n bc2 send m2 five\n bc2 terminate bye\n b1 spawn_opt a ac3 child [{monitor,[{alias,demonitor}]}] m3\n ac3 send m3 six\n b1 demonitor m3\n ac3 send m3 seven",
    ),
    (
        "requests, and which answers are told",
        "a1 spawn_request b bc1 child r1\n a1 spawn_request b bc2 child [{reply,no}] r2\n a1 spawn_request b bc3 child [{reply,success_only},link] r3\n a1 spawn_request b bc4 child [{reply,error_only},monitor] r4\n \
         bc4 terminate bye\n a1 links\n b1 spawn_request a ac5 child [{reply_tag,{told,b1}}] r5\n b1 spawn_request a ac6 child [monitor,link,{reply,yes}] r6\n b1 trap_exit true\n ac6 terminate {bye,1}\n a1 abandon r1\n b1 abandon r6",
    ),
    (
        "options that nobody takes",
        "a1 spawn_request b bc1 child [bogus] r1\n a1 spawn_request b bc2 child [link,bogus,{reply,no}] r2\n a1 spawn_request b bc3 child [{reply,success_only},bogus] r3\n a1 spawn_request b bc4 child [bogus,{reply,error_only},monitor] r4\n \
         b1 spawn_request a ac5 child [monitor,bogus,{reply_tag,told}] r5\n a1 links",
    ),
    (
        "functions that are not there",
        "a1 trap_exit true\n a1 spawn b bc1 nobody\n a1 spawn_link b bc2 nobody\n a1 spawn_monitor b bc3 nobody m3\n a1 spawn_opt b bc4 nobody [link,monitor] m4\n b1 spawn_request a ac5 nobody [] r5\n \
         b1 spawn_request a ac6 nobody [{reply,success_only},monitor] r6\n b1 spawn_monitor a ac7 nobody m7\n a2 spawn_link b bc8 nobody\n b2 link b3\n b2 spawn_link a ac9 nobody",
    ),
    (
        "processes of the own node",
        "a1 trap_exit true\n a1 spawn a ac1 child\n a1 spawn_link a ac2 child\n a1 spawn_monitor a ac3 child m3\n a1 spawn_request a ac4 child [link,monitor] r4\n ac2 terminate bye\n ac3 terminate normal\n ac4 terminate {bye,4}\n \
         a1 spawn_link a ac5 nobody\n a1 spawn_monitor a ac6 nobody m6\n b1 spawn_request b bc7 nobody [{reply,no}] r7\n b1 spawn_link b bc8 nobody",
    ),
    (
        "who is spawned spawns, too, and links pass an end on",
        "a1 spawn_link b bc1 child\n bc1 spawn_link a ac2 child\n ac2 spawn_monitor b bc3 child m3\n bc3 spawn_link b bc4 child\n b3 monitor ac2 m4\n bc4 link ac2\n bc4 trap_exit true\n a1 terminate {bye,1}\n bc3 send bc4 hello",
    ),
    (
        "the loss of a node that has spawned, and requests to it",
        "a1 trap_exit true\n a1 spawn_link b bc1 child\n a2 spawn_monitor b bc2 child m2\n b1 spawn_link a ac3 child\n a1 spawn_request b bc4 child [link,{reply,no}] r4\n ac3 trap_exit true\n a3 disconnect b\n bc2 links\n \
         a1 spawn_request b bc5 child [] r5\n a1 spawn_request b bc6 child [link,monitor,{reply,success_only}] r6\n a1 spawn_request b bc7 child [monitor,{reply,error_only}] r7\n a1 spawn a ac8 child\n b2 spawn_request a ac9 child [link] r9",
    ),
];
