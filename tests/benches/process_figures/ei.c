/* Sends messages to a node and gets them, with the C library of Erlang/OTP: `ei COOKIE NODE COUNT ROUND-TRIPS SIZE`. Prints microseconds for
   messages there, messages back, and round trips, a line each. */
#include <arpa/inet.h>
#include <ei.h>
#include <string.h>
#include <time.h>

#include "libei.h"

static ei_cnode node;
static int fd;
static ei_x_buff got;

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static void give(char *to, const ei_x_buff *message) {
    if (ei_reg_send(&node, fd, to, message->buff, message->index) < 0) fail("send");
}

/* The next message, whatever it is. */
static void take(void) {
    erlang_msg message;
    int result;
    got.index = 0;
    while ((result = ei_xreceive_msg(fd, &message, &got)) == ERL_TICK) got.index = 0;
    if (result != ERL_MSG) fail("receive");
}

static ei_x_buff binary(long size) {
    static char bytes[1 << 20];
    ei_x_buff message;
    memset(bytes, 0xA5, sizeof bytes);
    ei_x_new_with_version(&message);
    ei_x_encode_binary(&message, bytes, size);
    return message;
}

/* {Tag,Self,Number} or {Tag,Self,Number,Size} */
static ei_x_buff request(const char *tag, long number, long size) {
    ei_x_buff message;
    ei_x_new_with_version(&message);
    ei_x_encode_tuple_header(&message, size > 0 ? 4 : 3);
    ei_x_encode_atom(&message, tag);
    ei_x_encode_pid(&message, ei_self(&node));
    ei_x_encode_long(&message, number);
    if (size > 0) ei_x_encode_long(&message, size);
    return message;
}

int main(int argc, char **argv) {
    if (argc != 6) fail("arguments");
    long count = atol(argv[3]), trips = atol(argv[4]), size = atol(argv[5]);
    struct in_addr address = {.s_addr = htonl(INADDR_LOOPBACK)};
    ei_init();
    if (ei_connect_xinit(&node, "127.0.0.1", "ei", "ei@127.0.0.1", &address, argv[1], 0) < 0) fail("init");
    if ((fd = ei_connect(&node, argv[2])) < 0) fail("connect");
    ei_x_new(&got);
    ei_x_buff bytes = binary(size), begin = request("begin", count, 0), flood = request("flood", count, size);

    double start = now();
    give("sink", &begin);
    for (long i = 0; i < count; i++) give("sink", &bytes);
    take();
    printf("%f\n", now() - start);

    start = now();
    give("source", &flood);
    for (long i = 0; i < count; i++) take();
    printf("%f\n", now() - start);

    ei_x_buff ask;
    ei_x_new_with_version(&ask);
    ei_x_encode_tuple_header(&ask, 2);
    ei_x_encode_pid(&ask, ei_self(&node));
    ei_x_append_buf(&ask, bytes.buff + 1, bytes.index - 1);
    start = now();
    for (long i = 0; i < trips; i++) {
        give("echo", &ask);
        take();
    }
    printf("%f\n", now() - start);
    return 0;
}
