/* Sifting: the twin of Order.sift and Order.cost in drawing/layout/sifting.py.
 *
 * A picture as flat blocks of ints: the nodes column by column, and for each node where its arrows
 * come from and go to. What is handed over is checked once; nothing below meets a wrong index.
 */
#include "node.h"
#include <limits.h>

/* What is handed over; order and place are written. */
typedef enum {
    STARTS,
    GROUPS,
    NUMBERS,
    ORDERED,
    UP_STARTS,
    UP,
    DOWN_STARTS,
    DOWN,
    PORTS,
    ORDER,
    PLACE,
    PARTS
} Part;

/* What a crossing costs, against one pair that does not stand in its natural order. */
static const long long CROSSING = 1LL << 32;

typedef struct {
    Py_buffer views[PARTS];
    int *blocks[PARTS];
    Py_ssize_t lengths[PARTS];
    int columns, nodes;
    int *copy;                /* of the column that is sifted; room for each node */
    long long *begins, *ends; /* of arrows: places, and places with ports */
    int *sifted, *moved;      /* of columns: when they last were, and when a node in them was */
    int *tree;                /* room to count in */
    Py_ssize_t leaves;
} Sifting;

/* -- what moves ----------------------------------------------------------------------------- */

static int compare(int a, int b) { return (a > b) - (a < b); }

static int compare_ends(const void *a, const void *b)
{
    long long one = *(const long long *)a, other = *(const long long *)b;
    return (one > other) - (one < other);
}

/* Note where the arrows of a column begin and end, in order for each node: while its nodes move,
 * the columns beside it stand still. */
static void note_ends(const Sifting *s, int column)
{
    const int *starts = s->blocks[STARTS], *place = s->blocks[PLACE];
    const int *up_starts = s->blocks[UP_STARTS], *down_starts = s->blocks[DOWN_STARTS];
    for (int i = starts[column]; i < starts[column + 1]; i++) {
        int node = s->blocks[ORDER][i];
        for (int j = up_starts[node]; j < up_starts[node + 1]; j++) {
            s->begins[j] = place[s->blocks[UP][j]];
        }
        for (int j = down_starts[node]; j < down_starts[node + 1]; j++) {
            s->ends[j] = (long long)place[s->blocks[DOWN][j]] << 32 | s->blocks[PORTS][j];
        }
        int up = up_starts[node + 1] - up_starts[node];
        int down = down_starts[node + 1] - down_starts[node];
        if (up > 1) {
            qsort(s->begins + up_starts[node], (size_t)up, sizeof(long long), compare_ends);
        }
        if (down > 1) {
            qsort(s->ends + down_starts[node], (size_t)down, sizeof(long long), compare_ends);
        }
    }
}

/* How many pairs of two sorted lists have the greater one first, less those that have it last. */
static long long turned(const long long *above, int count, const long long *below, int others)
{
    long long pairs = 0;
    int less = 0, at_most = 0;
    for (int i = 0; i < count; i++) {
        while (less < others && below[less] < above[i]) {
            less++;
        }
        while (at_most < others && below[at_most] <= above[i]) {
            at_most++;
        }
        pairs += less - (others - at_most);
    }
    return pairs;
}

/* The same of the arrows that leave two nodes, those into one operator apart: they have ports. */
static long long turned_ends(const Sifting *s, const int *next, int above, int below)
{
    const int *starts = s->blocks[DOWN_STARTS];
    long long crossings = 0, disorder = 0;
    int less = starts[below], at_most = less, end = starts[below + 1];
    for (int i = starts[above]; i < starts[above + 1]; i++) {
        long long place = s->ends[i] >> 32;
        while (less < end && s->ends[less] >> 32 < place) {
            less++;
        }
        while (at_most < end && s->ends[at_most] >> 32 <= place) {
            at_most++;
        }
        crossings += (less - starts[below]) - (end - at_most);
        for (int j = less; j < at_most; j++) {
            int first = compare((int)s->ends[i], (int)s->ends[j]); /* the lower half: the ports */
            if (s->blocks[ORDERED][next[place]]) {
                crossings += 2 * first;
            } else {
                disorder += 2 * first;
            }
        }
    }
    return crossings * CROSSING + disorder;
}

/* By how much the cost falls when two neighbours change places; `next` is the column behind. */
static long long gain(const Sifting *s, const int *next, int above, int below)
{
    const int *starts = s->blocks[UP_STARTS];
    long long disorder = 0;
    if (s->blocks[NUMBERS][above] >= 0 && s->blocks[NUMBERS][below] >= 0) {
        disorder = compare(s->blocks[NUMBERS][above], s->blocks[NUMBERS][below]);
    }
    long long crossings = turned(s->begins + starts[above], starts[above + 1] - starts[above],
                                 s->begins + starts[below], starts[below + 1] - starts[below]);
    return crossings * CROSSING + disorder + turned_ends(s, next, above, below);
}

/* Move one node of a column to the best place nearby; tell whether that is another one. */
static int sift_node(const Sifting *s, int index, int node, int window)
{
    const int *starts = s->blocks[STARTS], *groups = s->blocks[GROUPS];
    int *place = s->blocks[PLACE], *column = s->blocks[ORDER] + starts[index];
    const int *next = s->blocks[ORDER] + starts[index + 1];
    int size = starts[index + 1] - starts[index], start = place[node], best_place = start;
    long long best = 0;
    for (int step = 1; step >= -1; step -= 2) {
        long long total = 0;
        for (int at = start + step; at >= 0 && at < size && abs(at - start) <= window; at += step) {
            int other = column[at];
            if (groups[other] != groups[node]) {
                break;
            }
            total += step > 0 ? gain(s, next, node, other) : gain(s, next, other, node);
            if (total > best) {
                best = total;
                best_place = at;
            }
        }
    }
    int step = best_place < start ? -1 : 1;
    for (int at = start; at != best_place; at += step) {
        column[at] = column[at + step];
        place[column[at]] = at;
    }
    column[best_place] = node;
    place[node] = best_place;
    return best_place != start;
}

/* Sift a column; tell whether a node of it has moved. */
static int sift_column(const Sifting *s, int index, int window)
{
    int first = s->blocks[STARTS][index], size = s->blocks[STARTS][index + 1] - first, moved = 0;
    note_ends(s, index);
    memcpy(s->copy, s->blocks[ORDER] + first, (size_t)size * sizeof(int));
    for (int i = 0; i < size; i++) {
        moved |= sift_node(s, index, s->copy[i], window);
    }
    return moved;
}

/* Whether nothing has moved in a column and beside it since it was sifted last. */
static int is_settled(const Sifting *s, int index)
{
    int since = s->sifted[index], last = s->columns - 1;
    return since > s->moved[index > 0 ? index - 1 : 0] && since > s->moved[index] &&
           since > s->moved[index < last ? index + 1 : last];
}

static void sift_all(const Sifting *s, int rounds, int window)
{
    int moved = 1, now = 0;
    for (int round = 0; round < rounds && moved; round++) {
        moved = 0;
        for (int index = 0; index < s->columns; index++) {
            if (is_settled(s, index)) {
                continue; /* nothing would move */
            }
            s->sifted[index] = ++now;
            if (sift_column(s, index, window)) {
                s->moved[index] = now;
                moved = 1;
            }
        }
    }
}

/* -- what is counted ------------------------------------------------------------------------ */

/* Fenwick's tree: add to the count at an index, and count what is at most there. */
static void count_at(int *tree, Py_ssize_t size, Py_ssize_t index, int change)
{
    for (index++; index <= size; index += index & -index) {
        tree[index] += change;
    }
}

static long long count_to(const int *tree, Py_ssize_t index)
{
    long long total = 0;
    for (index++; index > 0; index -= index & -index) {
        total += tree[index];
    }
    return total;
}

/* Give each node of a column a range of ends, one a port; return how many there are. */
static Py_ssize_t number_ends(const Sifting *s, int column)
{
    const int *starts = s->blocks[STARTS], *order = s->blocks[ORDER];
    for (int i = starts[column]; i < starts[column + 1]; i++) {
        s->copy[order[i]] = 0; /* its ports */
    }
    for (int i = starts[column - 1]; i < starts[column]; i++) {
        for (int j = s->blocks[DOWN_STARTS][order[i]]; j < s->blocks[DOWN_STARTS][order[i] + 1];
             j++) {
            int target = s->blocks[DOWN][j], ports = s->blocks[PORTS][j] + 1;
            s->copy[target] = s->copy[target] > ports ? s->copy[target] : ports;
        }
    }
    Py_ssize_t total = 0;
    for (int i = starts[column]; i < starts[column + 1]; i++) {
        int ports = s->copy[order[i]];
        s->copy[order[i]] = (int)total;
        total += ports;
    }
    return total;
}

/* The cost of the arrows into a column, but those that begin at one node. */
static long long cost_before(const Sifting *s, int column)
{
    const int *starts = s->blocks[STARTS], *order = s->blocks[ORDER];
    const int *down_starts = s->blocks[DOWN_STARTS], *down = s->blocks[DOWN];
    Py_ssize_t ends = number_ends(s, column);
    memset(s->tree, 0, (size_t)(ends + 1) * sizeof(int));
    long long crossings = 0, disorder = 0, seen = 0;
    for (int i = starts[column - 1]; i < starts[column]; i++) {
        for (int j = down_starts[order[i]]; j < down_starts[order[i] + 1]; j++) {
            int place = s->blocks[PLACE][down[j]], next = starts[column] + place + 1;
            Py_ssize_t after = next < starts[column + 1] ? s->copy[order[next]] : ends;
            long long here = count_to(s->tree, after - 1);
            long long turned = here - count_to(s->tree, s->copy[down[j]] + s->blocks[PORTS][j]);
            crossings += seen - here;
            if (s->blocks[ORDERED][down[j]]) {
                crossings += 2 * turned;
            } else {
                disorder += 2 * turned;
            }
        }
        for (int j = down_starts[order[i]]; j < down_starts[order[i] + 1]; j++, seen++) {
            count_at(s->tree, ends, s->copy[down[j]] + s->blocks[PORTS][j], 1);
        }
    }
    return crossings * CROSSING + disorder;
}

/* How many pairs of a column do not stand in their natural order. */
static long long disorder_of(const Sifting *s, int column)
{
    const int *starts = s->blocks[STARTS], *order = s->blocks[ORDER];
    long long disorder = 0, seen = 0;
    memset(s->tree, 0, (size_t)(s->nodes + 1) * sizeof(int));
    for (int i = starts[column]; i < starts[column + 1]; i++) {
        int number = s->blocks[NUMBERS][order[i]];
        if (number >= 0) {
            disorder += seen++ - count_to(s->tree, number);
            count_at(s->tree, s->nodes, number, 1);
        }
    }
    return disorder;
}

static long long cost_of(const Sifting *s)
{
    long long cost = 0;
    for (int column = 0; column < s->columns; column++) {
        cost += (column > 0 ? cost_before(s, column) : 0) + disorder_of(s, column);
    }
    return cost;
}

/* -- what is handed over -------------------------------------------------------------------- */

static int refuse(const char *what)
{
    PyErr_Format(PyExc_ValueError, "sift: %s", what);
    return -1;
}

static int view(Sifting *s, Part part, PyObject *object)
{
    int flags = part >= ORDER ? PyBUF_CONTIG | PyBUF_FORMAT : PyBUF_CONTIG_RO | PyBUF_FORMAT;
    Py_buffer *buffer = &s->views[part];
    if (PyObject_GetBuffer(object, buffer, flags) < 0) {
        return -1;
    }
    if (buffer->itemsize != sizeof(int) || strcmp(buffer->format, "i") != 0) {
        return refuse("wants arrays of ints");
    }
    s->blocks[part] = buffer->buf;
    s->lengths[part] = buffer->len / (Py_ssize_t)sizeof(int);
    return s->lengths[part] < INT_MAX ? 0 : refuse("too many");
}

/* Starts begin with 0, never fall, and end where the block that they divide ends. */
static int are_starts(const Sifting *s, Part part, Py_ssize_t parts, Py_ssize_t end)
{
    const int *starts = s->blocks[part];
    if (s->lengths[part] != parts + 1 || starts[0] != 0 || starts[parts] != end) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < parts; i++) {
        if (starts[i] > starts[i + 1]) {
            return 0;
        }
    }
    return 1;
}

static int are_nodes(const Sifting *s, Part part)
{
    for (Py_ssize_t i = 0; i < s->lengths[part]; i++) {
        if (s->blocks[part][i] < 0 || s->blocks[part][i] >= s->nodes) {
            return 0;
        }
    }
    return 1;
}

/* Each node stands in one column, once, and knows its place there. */
static int are_placed(const Sifting *s)
{
    memset(s->copy, 0, (size_t)s->nodes * sizeof(int));
    for (int i = 0; i < s->nodes; i++) {
        if (s->copy[s->blocks[ORDER][i]]++) {
            return 0;
        }
    }
    for (int index = 0; index < s->columns; index++) {
        int first = s->blocks[STARTS][index];
        for (int i = first; i < s->blocks[STARTS][index + 1]; i++) {
            if (s->blocks[PLACE][s->blocks[ORDER][i]] != i - first) {
                return 0;
            }
        }
    }
    return 1;
}

/* Arrows go from each column into the next one, to ports that there is room to count. */
static int are_arrows(Sifting *s)
{
    const int *starts = s->blocks[STARTS], *order = s->blocks[ORDER], *place = s->blocks[PLACE];
    for (int column = 0; column < s->columns; column++) {
        long long ports = 0;
        for (int i = starts[column]; i < starts[column + 1]; i++) {
            for (int j = s->blocks[DOWN_STARTS][order[i]]; j < s->blocks[DOWN_STARTS][order[i] + 1];
                 j++) {
                int target = s->blocks[DOWN][j];
                long long at = column + 1 < s->columns ? starts[column + 1] + place[target] : -1LL;
                if (at < 0 || at >= starts[column + 2] || order[at] != target ||
                    s->blocks[PORTS][j] < 0) {
                    return 0;
                }
                ports += s->blocks[PORTS][j] + 1LL;
            }
        }
        s->leaves = ports > s->leaves ? (Py_ssize_t)ports : s->leaves;
    }
    for (int i = 0; i < s->nodes; i++) {
        if (s->blocks[NUMBERS][i] < -1 || s->blocks[NUMBERS][i] >= s->nodes) {
            return 0;
        }
    }
    return s->leaves < INT_MAX;
}

static int check(Sifting *s)
{
    const Py_ssize_t *lengths = s->lengths;
    if (lengths[STARTS] < 1) {
        return refuse("without columns");
    }
    s->columns = (int)lengths[STARTS] - 1;
    s->nodes = (int)lengths[ORDER];
    s->copy = PyMem_New(int, s->nodes + 1);
    if (s->copy == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    int is_whole = lengths[PLACE] == s->nodes && lengths[GROUPS] == s->nodes &&
                   lengths[NUMBERS] == s->nodes && lengths[ORDERED] == s->nodes &&
                   lengths[PORTS] == lengths[DOWN] && are_starts(s, STARTS, s->columns, s->nodes) &&
                   are_starts(s, UP_STARTS, s->nodes, lengths[UP]) &&
                   are_starts(s, DOWN_STARTS, s->nodes, lengths[DOWN]) && are_nodes(s, UP) &&
                   are_nodes(s, DOWN) && are_nodes(s, ORDER) && are_placed(s) && are_arrows(s);
    if (!is_whole) {
        return refuse("these are no columns");
    }
    return 0;
}

/* Find room for what is noted. */
static int make_room(Sifting *s)
{
    s->tree = PyMem_New(int, (s->leaves > s->nodes ? s->leaves : s->nodes) + 1);
    s->begins = PyMem_New(long long, s->lengths[UP] + 1);
    s->ends = PyMem_New(long long, s->lengths[DOWN] + 1);
    s->sifted = PyMem_Calloc((size_t)s->columns + 1, sizeof(int));
    s->moved = PyMem_Calloc((size_t)s->columns + 1, sizeof(int));
    if (s->tree == NULL || s->begins == NULL || s->ends == NULL || s->sifted == NULL ||
        s->moved == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static void leave_room(Sifting *s)
{
    PyMem_Free(s->copy);
    PyMem_Free(s->tree);
    PyMem_Free(s->begins);
    PyMem_Free(s->ends);
    PyMem_Free(s->sifted);
    PyMem_Free(s->moved);
}

/* sift(starts, groups, numbers, ordered, up_starts, up, down_starts, down, ports, order, place,
 *      rounds, window): sift, and return the cost */
static PyObject *sift(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *o[PARTS];
    int rounds, window;
    if (!PyArg_ParseTuple(args, "OOOOOOOOOOOii:sift", &o[0], &o[1], &o[2], &o[3], &o[4], &o[5],
                          &o[6], &o[7], &o[8], &o[9], &o[10], &rounds, &window)) {
        return NULL;
    }
    Sifting s = {0};
    int status = 0;
    for (int part = 0; part < PARTS && status == 0; part++) {
        status = view(&s, part, o[part]);
    }
    status = status < 0 || check(&s) < 0 ? -1 : make_room(&s);
    PyObject *cost = NULL;
    if (status == 0) {
        sift_all(&s, rounds, window);
        cost = PyLong_FromLongLong(cost_of(&s));
    }
    leave_room(&s);
    for (int part = 0; part < PARTS; part++) {
        PyBuffer_Release(&s.views[part]);
    }
    return cost;
}

PyMethodDef sifting_functions[] = {
    {"sift", sift, METH_VARARGS, "Sift the columns of a picture."},
    {NULL},
};
