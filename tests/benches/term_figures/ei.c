/* Walks over terms, and writes them, with the C library of Erlang/OTP. Its arguments are files with a term each. */
#include <ei.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libei.h"

enum kind { INTEGER, FLOAT, ATOM, PID, REF, TUPLE, LIST, NIL, MAP, BINARY, STRING };

struct value {
    enum kind kind;
    long long integer;
    double number;
    char text[MAXATOMLEN_UTF8];
    char *data;
    erlang_pid pid;
    erlang_ref ref;
};

static char bytes[1 << 20];
static struct value current;

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* Takes one value out of the bytes, and says how many follow inside it. */
static inline int take(const char *buf, int *index, struct value *to) {
    int type, size, arity;
    long len;
    if (ei_get_type(buf, index, &type, &size) < 0) fail("type");
    switch (type) {
    case ERL_SMALL_INTEGER_EXT: case ERL_INTEGER_EXT: case ERL_SMALL_BIG_EXT:
        to->kind = INTEGER;
        if (ei_decode_longlong(buf, index, &to->integer) < 0) fail("integer");
        return 0;
    case ERL_FLOAT_EXT: case NEW_FLOAT_EXT:
        to->kind = FLOAT;
        if (ei_decode_double(buf, index, &to->number) < 0) fail("float");
        return 0;
    case ERL_ATOM_EXT: case ERL_ATOM_UTF8_EXT: case ERL_SMALL_ATOM_UTF8_EXT:
        to->kind = ATOM;
        if (ei_decode_atom_as(buf, index, to->text, sizeof to->text, ERLANG_UTF8, NULL, NULL) < 0)
            fail("atom");
        return 0;
    case ERL_PID_EXT: case ERL_NEW_PID_EXT:
        to->kind = PID;
        if (ei_decode_pid(buf, index, &to->pid) < 0) fail("pid");
        return 0;
    case ERL_NEW_REFERENCE_EXT: case ERL_NEWER_REFERENCE_EXT:
        to->kind = REF;
        if (ei_decode_ref(buf, index, &to->ref) < 0) fail("reference");
        return 0;
    case ERL_SMALL_TUPLE_EXT: case ERL_LARGE_TUPLE_EXT:
        to->kind = TUPLE;
        if (ei_decode_tuple_header(buf, index, &arity) < 0) fail("tuple");
        to->integer = arity;
        return arity;
    case ERL_NIL_EXT: case ERL_LIST_EXT:
        if (ei_decode_list_header(buf, index, &arity) < 0) fail("list");
        to->kind = arity > 0 ? LIST : NIL;
        to->integer = arity;
        return arity > 0 ? arity + 1 : 0;
    case ERL_MAP_EXT:
        to->kind = MAP;
        if (ei_decode_map_header(buf, index, &arity) < 0) fail("map");
        to->integer = arity;
        return 2 * arity;
    case ERL_BINARY_EXT:
        to->kind = BINARY;
        if (ei_decode_binary(buf, index, bytes, &len) < 0) fail("binary");
        to->integer = len;
        return 0;
    case ERL_STRING_EXT:
        to->kind = STRING;
        to->integer = size;
        if (ei_decode_string(buf, index, bytes) < 0) fail("string");
        return 0;
    }
    fail("another type");
    return 0;
}

static void walk(const char *buf) {
    int index = 0, version;
    long left = 1;
    if (ei_decode_version(buf, &index, &version) < 0) fail("version");
    while (left > 0) left = left - 1 + take(buf, &index, &current);
}

static struct value *values;
static long count;

/* All values of a term, to write them again. */
static void collect(const char *buf) {
    int index = 0, version;
    long left = 1, room = 16;
    values = malloc(room * sizeof *values);
    count = 0;
    ei_decode_version(buf, &index, &version);
    while (left > 0) {
        if (count == room) values = realloc(values, (room *= 2) * sizeof *values);
        left = left - 1 + take(buf, &index, &values[count]);
        if (values[count].kind == BINARY || values[count].kind == STRING) {
            values[count].data = malloc(values[count].integer + 1);
            memcpy(values[count].data, bytes, values[count].integer);
        }
        count++;
    }
}

static void write_again(const char *unused) {
    ei_x_buff x;
    (void)unused;
    ei_x_new_with_version(&x);
    for (long i = 0; i < count; i++) {
        struct value *v = &values[i];
        switch (v->kind) {
        case INTEGER: ei_x_encode_longlong(&x, v->integer); break;
        case FLOAT: ei_x_encode_double(&x, v->number); break;
        case ATOM: ei_x_encode_atom_as(&x, v->text, ERLANG_UTF8, ERLANG_UTF8); break;
        case PID: ei_x_encode_pid(&x, &v->pid); break;
        case REF: ei_x_encode_ref(&x, &v->ref); break;
        case TUPLE: ei_x_encode_tuple_header(&x, v->integer); break;
        case LIST: ei_x_encode_list_header(&x, v->integer); break;
        case NIL: ei_x_encode_empty_list(&x); break;
        case MAP: ei_x_encode_map_header(&x, v->integer); break;
        case BINARY: ei_x_encode_binary(&x, v->data, v->integer); break;
        case STRING: ei_x_encode_string_len(&x, v->data, v->integer); break;
        }
    }
    ei_x_free(&x);
}

static double nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static void report(const char *what, int at, void (*call)(const char *), const char *buf) {
    for (long calls = 1;; calls *= 2) {
        double begin = nanoseconds();
        for (long i = 0; i < calls; i++) call(buf);
        double passed = nanoseconds() - begin;
        if (passed > 30e6) {
            printf("%s %d %.2f\n", what, at, passed / calls);
            return;
        }
    }
}

int main(int argc, char **argv) {
    static char buf[1 << 20];
    ei_init();
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file || fread(buf, 1, sizeof buf, file) == 0) fail("file");
        fclose(file);
        report("decode", i - 1, walk, buf);
        collect(buf);
        report("encode", i - 1, write_again, buf);
    }
    return 0;
}
