/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Units own both directions: how a quantity is typed and how it is printed, in every sink.
 * Everything that reads a value out of a record goes through column_value().
 */
#ifndef IOSONDE_UNIT_H
#define IOSONDE_UNIT_H

#include "core/names/names.h"
#include "core/rows/field.h"

enum unit {
	U_TEXT = 0, /* bytes; hostile ones are escaped */
	U_PATH,	    /* bytes, struct vpath or the id of a name; escaped, never cut in a pipe */
	U_CLOCK,    /* CLOCK_MONOTONIC ns; seconds since the start, or wall-clock with -T */
	U_NSEC,	    /* a duration in ns: 812ns 1.2us 10.0ms 4.20s */
	U_BYTES,    /* 512 1.5K 3.0M (1024); machine formats: the number */
	U_COUNT,    /* a plain number */
	U_ID,	   /* a number that is a name (pid, tid, fd, inode): never grouped, right-aligned */
	U_FD,	   /* a descriptor from a return value: negative means none */
	U_ERRNO,   /* from a return value: negative is an error and prints as its name (ENOENT) */
	U_OCTAL,   /* a file mode: 0644; a negative value means none */
	U_HEX,	   /* 0x1f */
	U_ENUM,	   /* an index into column.names */
	U_FLAGS,   /* bits named by column.flags, the rest in hex */
	U_USER,	   /* a uid; text shows the user's name, JSON both */
	U_PERCENT, /* hundredths of a percent in an integer: 8123 is 81.2 % */
	U_DISK,	   /* major << 20 | minor of a block device; its name, 0: none */
	U_CGROUP,  /* the id of a cgroup (v2); its path below the root, 0: none */
	U_STACK,   /* struct vstack; symbols */
	U_SYSCALL, /* SYSCALL_IN_RECORD(); its name, or number */
	U_ARGS,	   /* struct vargs; one line of text, a list in JSON */
	U_SHARE,   /* U_PERCENT that a terminal may draw as a bar */
	U_ADDR,	   /* struct net_addr; all zeros with COL_BLANK: none */
	/*
	 * Of a table's row: a count, shown per second of the interval (whose length ends the row)
	 * with decimals. Its value is in thousandths per second.
	 */
	U_RATE,
	U_DECIMAL, /* a number with decimals: 3.97; its value is in thousandths */
};

/* U_SYSCALL: of a row that stands for what found no room in a table. */
#define SYSCALL_OTHERS (1ULL << 63)

/* A named bit (or bit group, when mask differs from value) for U_FLAGS. Ends with name NULL. */
struct flag_name {
	uint64_t value;
	uint64_t mask;
	const char *name;
};

enum column_flags {
	COL_HIDDEN = 1 << 0,   /* text and CSV show it only if named in --columns; JSON has it */
	COL_LATENCY = 1 << 1,  /* the duration that --by takes p50/p99/max of */
	COL_MACHINE = 1 << 2,  /* only in machine formats, can't be asked for in text */
	COL_MAX = 1 << 3,      /* merging two rows takes the larger value instead of the sum */
	COL_KEY = 1 << 4,      /* part of the identity of a table's row */
	COL_WIDE = 1 << 5,     /* may take all the width that is left (paths) */
	COL_PEOPLE = 1 << 6,   /* for people: says again what another column says */
	COL_CSV = 1 << 7,      /* with COL_HIDDEN: shown in CSV all the same */
	COL_BLANK = 1 << 8,    /* 0 and empty text mean that there is no value */
	COL_OPTIONAL = 1 << 9, /* a negative number, or UINT64_MAX, means that there is no value */
	COL_FOLDS = 1 << 11,   /* known of rows that the programs have counted: struct fold */
	COL_ASKED = 1 << 10,   /* with COL_HIDDEN: not in JSON either, unless asked for: it costs */
};

struct value;

/* One column. A table of columns ends with an entry whose name is NULL. */
struct column {
	const char *name; /* lower case; the text header, --columns, --where and the JSON key */
	struct field field;
	enum unit unit;
	int width;			    /* least width in text; 0: the unit's own */
	unsigned flags;			    /* enum column_flags */
	const char *help;		    /* one line for help and the man page */
	const char *const *names;	    /* U_ENUM: NULL-terminated */
	const struct flag_name *flag_names; /* U_FLAGS */
	/* Not NULL: puts the value together from the whole record, into @scratch (VALUE_SCRATCH).
	 */
	void (*render)(const void *rec, size_t len, char *scratch, struct value *out);
	struct field enable; /* in the tool's cfg: set to 1 by the engine when the column is used */
	/*
	 * What the value is shown in proportion to: its mean per one of that (lat / ios), or, with
	 * U_PERCENT and U_SHARE, its part of it (random / count). No value where it is 0.
	 */
	struct field of;
	/*
	 * Shares of one whole (`of`) stand side by side and are numbered from 1: what is printed of
	 * them adds up, to 100.0 % where the parts are all there is. 0: a column by itself.
	 */
	unsigned part;
	/*
	 * How long it stays on a terminal that is too narrow for all: 1 goes first, KEEP_SOME is
	 * what an ordinary figure has, KEEP tells rows apart and goes last. 0: as column_keep() has
	 * it.
	 */
	unsigned keep;
	const char *classic; /* another name to find it by, as other tools call it; NULL: none */
};

#define KEEP_SOME 5
#define KEEP	  9
#define PARTS_MAX 16

/* A row type: JSON's "type" and its columns. */
struct table {
	const char *type;
	const struct column *columns;
};

enum value_kind { V_NONE, V_INT, V_UINT, V_BYTES };

/* A column's value in one record. V_BYTES points into the record or into the scratch passed. */
struct value {
	enum value_kind kind;
	union {
		int64_t i;
		uint64_t u;
		struct {
			const char *p;
			size_t len;
		} bytes;
	};
};

/* Room for a value that has to be put together: arguments in quotes are the longest. */
#define VALUE_SCRATCH (13 * PATH_LEN)

/*
 * Reads @col's value from the record @rec of @len bytes into @out. Integers keep their sign.
 * U_FD and U_OCTAL with a negative value, U_ERRNO with one that is not negative, and empty or
 * out-of-record variable fields give V_NONE. U_ENUM, U_FLAGS, U_ERRNO and paths give V_BYTES.
 * U_USER, U_CLOCK and all numbers give V_INT or V_UINT. U_STACK gives V_BYTES: the raw addresses.
 * @scratch has VALUE_SCRATCH bytes. @names are asked for disks, cgroups and what was sent by its
 * id; NULL is for columns of other units.
 */
void column_value(struct names *names, const struct column *col, const void *rec, size_t len,
		  char *scratch, struct value *out);

/*
 * The share of @col, one of several parts, in 1/@units of the whole: each rounded up or down so
 * that they add up to what all of them together are. False where there is no value.
 */
bool column_part(const struct column *col, const void *rec, size_t len, uint64_t units,
		 uint64_t *out);

/* column.keep, or what unit and flags make of it: paths, errors, latencies and keys stay. */
unsigned column_keep(const struct column *col);

/*
 * The key of @col in machine formats, with its unit where it has one: lat -> lat_ns,
 * p99 (U_NSEC) -> p99_ns, type -> kind (each row has a "type"), time -> time_ns, rate (U_PERCENT)
 * -> rate_percent, size (U_BYTES) -> size_bytes, read (U_RATE) -> read_per_s, user and uid (U_USER)
 * -> uid, owner -> owner_uid. A name that says it already stays (bytes, lat_ns). Returns @buf.
 */
const char *column_key(const struct column *col, char *buf, size_t size);

/*
 * Parses @s (@len bytes) as a quantity of @unit. A bare number takes @bare_scale (units of the
 * stored value per 1 typed: 1000000 for an option whose declared unit is ms and whose field is ns;
 * 0 means 1, for percentages 1 %). Durations take ns us ms s m h (also µs), sizes K M G T P E
 * (1024, with optional iB or B, in any case), percentages an optional %; fractions are allowed
 * where a suffix makes them whole enough (1.5ms; what is below the stored unit is cut off).
 * U_OCTAL reads octal digits, U_HEX and U_FLAGS also 0x.., U_ERRNO also a name (its number is
 * stored, positive), U_USER a user's name or number. Returns true and sets *@out, or false with a
 * static message in *@error ("not a duration", "negative", "too large", "too small", "no such
 * user"). *@out is untouched on failure. "12abc" is an error.
 */
bool unit_parse(enum unit unit, const char *s, size_t len, uint64_t bare_scale, uint64_t *out,
		const char **error);

/* Values that can be typed for @unit: "500ms, 10s or 2m"; NULL where any text will do. */
const char *unit_examples(enum unit unit);

/* How the text of this run reads: clock and names. core/base/clock.h has the clock. */
struct clock_base {
	uint64_t start_ns;	 /* CLOCK_MONOTONIC at the start of tracing */
	int64_t realtime_off_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC, as far as is known */
	bool wall;		 /* -T */
	struct names *names;	 /* who users are; NULL only where rows have none */
};

/*
 * Formats a number of @unit for people into @buf: "10.0ms", "1.5K", "ENOENT", "0644". Text-like
 * values are not escaped here (see core/base/escape.h). Returns the length, always < @size.
 */
size_t unit_format(const struct column *col, const struct value *v, const struct clock_base *clock,
		   char *buf, size_t size);

/* Does @unit sort and compare as text rather than as a number? */
bool unit_is_text(enum unit unit);

/* Name of the error @err (positive), "ENOENT"; NULL if it has none. And back: -1 if unknown. */
const char *errno_name(int err);
int errno_number(const char *name, size_t len);

#endif
