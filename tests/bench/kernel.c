/* The rules for households in C, the algorithm of sim/kernels.py and placing.py line for line: the yardstick of compiled speed. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

enum { AWAITING, APPEAL, NOTICE, LEAVING, REFUSED, GONE };
enum { GRANTED, REFUSAL, WITHDRAWN, ADMINISTRATIVE };
enum { NONE, SUPPORTED };
enum { INITIAL, DISPERSAL, HOTEL, OTHER_CONTINGENCY, OTHER, SUBSISTENCE, UNPLACED, KINDS };
enum { NEVER = 32000, BLOCK = 1024, PART = 16 * BLOCK, WIDTH = 16, AREA = WIDTH * WIDTH };

typedef struct {
    uint32_t *slot;
    int16_t *claimed, *due, *council;
    uint8_t *people, *school_age, *decision_group, *stage, *support, *accommodation;
} Columns;

static inline double uniform(uint64_t key, uint64_t who, uint64_t when)
{
    uint64_t counter = (who << 20) | when, y = counter * key, z = y + key, x = y, t;
    x = x * x + y; x = (x >> 32) | (x << 32);
    x = x * x + z; x = (x >> 32) | (x << 32);
    x = x * x + y; x = (x >> 32) | (x << 32);
    x = x * x + z; t = x; x = (x >> 32) | (x << 32);
    return (double)((t ^ ((x * x + y) >> 32)) >> 11) * (1.0 / 9007199254740992.0);
}

static uint64_t places[256]; /* for each pattern of eight flags, the places of those that are set, a byte each */

__attribute__((constructor)) static void fill_places(void)
{
    for (int pattern = 0; pattern < 256; pattern++)
        for (int place = 0, found = 0; place < 8; place++)
            if (pattern >> place & 1) places[pattern] |= (uint64_t)place << 8 * found++;
}

static inline uint64_t bits(const uint8_t *flags) /* 64 flags as the bits of one word */
{
    uint64_t word = 0;
#ifdef __AVX2__
    for (int half = 0; half < 64; half += 32) {
        __m256i read = _mm256_loadu_si256((const __m256i *)(flags + half));
        word |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_slli_epi16(read, 7)) << half;
    }
#else
    for (int near = 0; near < 64; near += 8) {
        uint64_t eight;
        memcpy(&eight, flags + near, 8);
        word |= (eight * 0x0102040810204080 >> 56) << near;
    }
#endif
    return word;
}

static int64_t append(const uint8_t *restrict flags, int64_t first, uint32_t *restrict rows, int64_t count)
{
    for (int start = 0; start < BLOCK; start += 64) {
        uint64_t word = bits(flags + start);
        if (word == 0) continue;
        for (int near = 0; near < 64; near += 8) {
            int pattern = word >> near & 255;
            uint8_t chosen[8];
            memcpy(chosen, &places[pattern], 8);
            for (int i = 0; i < 8; i++) rows[count + i] = first + start + near + chosen[i];
            count += __builtin_popcount(pattern);
        }
    }
    return count;
}

/* Rows whose value in a column is from low to high; the kinds of column differ only in their type. */
#define BETWEEN(name, type)                                                                                            \
    static int64_t name(const type *column, int64_t n, type low, type high, uint32_t *rows)                            \
    {                                                                                                                  \
        uint8_t flags[BLOCK];                                                                                          \
        int64_t count = 0;                                                                                             \
        for (int64_t start = 0; start < n; start += BLOCK) {                                                           \
            int size = n - start < BLOCK ? n - start : BLOCK;                                                          \
            const type *part = column + start;                                                                         \
            for (int i = 0; i < size; i++) flags[i] = (part[i] >= low) & (part[i] <= high);                            \
            memset(flags + size, 0, BLOCK - size);                                                                     \
            count = append(flags, start, rows, count);                                                                 \
        }                                                                                                              \
        return count;                                                                                                  \
    }
BETWEEN(bytes_between, uint8_t)
BETWEEN(numbers_between, int16_t)

static int64_t lucky(const uint32_t *slot, uint64_t key, int month, double chance, uint32_t *rows, int64_t n)
{
    uint8_t flags[BLOCK];
    uint32_t chosen[BLOCK], who[BLOCK] = {0};
    int64_t count = 0;
    for (int64_t start = 0; start < n; start += BLOCK) {
        int size = n - start < BLOCK ? n - start : BLOCK;
        const uint32_t *these = rows + start;
        for (int i = 0; i < size; i++) who[i] = slot[these[i]];
        for (int i = 0; i < BLOCK; i++) flags[i] = uniform(key, who[i], month) < chance;
        memset(flags + size, 0, BLOCK - size);
        int found = append(flags, 0, chosen, 0);
        for (int i = 0; i < found; i++) rows[count + i] = these[chosen[i]];
        count += found;
    }
    return count;
}

static void draw(uint64_t key, const uint32_t *who, int size, int when, double *levels)
{
    for (int i = 0; i < size; i++) levels[i] = uniform(key, who[i], when);
}

static int pick(double level, const double *weights, int count)
{
    double total = 0.0, upto = 0.0;
    for (int i = 0; i < count; i++) total += weights[i];
    for (int i = 0; i < count; i++)
        if ((upto += weights[i]) > level * total) return i;
    return -1;
}

static void cumulate(const double *weights, int count, double *edges)
{
    double upto = 0.0;
    for (int i = 0; i < count; i++) edges[i] = upto += weights[i];
}

static int search(const double *edges, int count, double mark)
{
    int64_t below = 0;
    for (int i = 0; i < count - 1; i++) below += edges[i] <= mark;
    return below;
}

static int household_size(double level, double share, const double *sizes, int count)
{
    return level >= share ? 1 : 2 + pick(level / share, sizes, count);
}

static void household_sizes(const double *levels, double share, const double *sizes, int count, uint8_t *people)
{
    double edges[64];
    cumulate(sizes, count, edges);
    for (int i = 0; i < BLOCK; i++) people[i] = 1 + (levels[i] < share);
    for (int one = 0; one < count - 1; one++)
        for (int i = 0; i < BLOCK; i++)
            people[i] += (levels[i] < share) & (edges[one] <= levels[i] / share * edges[count - 1]);
}

static int months_until(double days, double level)
{
    double months = days / 30.4375;
    int whole = (int)months;
    return whole + (level < months - whole);
}

void arrive(Columns *h, int64_t *n, int64_t slot, int month, int64_t people, const uint64_t *keys, double family_share,
            double uptake, double unaccompanied, double subsistence_only, double school_share, const double *sizes,
            int size_count, const double *groups, int group_count, const double *subsistence_weight, int councils,
            int64_t *occupied, int64_t *supported, int64_t *alone)
{
    double edges[64], entry[BLOCK], level[BLOCK], subsistence[BLOCK];
    double *homes = malloc(councils * sizeof *homes);
    uint8_t group[BLOCK], size[BLOCK];
    uint32_t slots[BLOCK];
    int64_t left = people;
    cumulate(groups, group_count, edges), cumulate(subsistence_weight, councils, homes);
    *supported = *alone = 0;
    for (; left > 0; slot += BLOCK) {
        for (int i = 0; i < BLOCK; i++) slots[i] = slot + i;
        draw(keys[0], slots, BLOCK, 0, level), draw(keys[1], slots, BLOCK, 0, entry);
        household_sizes(level, family_share, sizes, size_count, size);
        draw(keys[2], slots, BLOCK, 0, level), draw(keys[4], slots, BLOCK, 0, subsistence);
        memset(group, 0, sizeof group);
        for (int one = 0; one < group_count - 1; one++)
            for (int i = 0; i < BLOCK; i++) group[i] += edges[one] <= level[i] * edges[group_count - 1];
        for (int i = 0; i < BLOCK && left > 0; i++) {
            int64_t row = (*n)++;
            uint32_t who = slots[i];
            bool child = entry[i] >= 1.0 - unaccompanied, enters = (entry[i] < uptake) & !child;
            int64_t members = 1;
            if (!child) {
                members = size[i];
                if (members > left) members = left;
            }
            int pupils = 0;
            for (int member = 1; member < members; member++) pupils += uniform(keys[3], who, member) < school_share;
            h->slot[row] = who, h->claimed[row] = month, h->people[row] = members, h->school_age[row] = pupils;
            h->decision_group[row] = group[i], h->stage[row] = AWAITING, h->due[row] = NEVER;
            h->support[row] = enters, h->accommodation[row] = UNPLACED, h->council[row] = -1;
            *alone += child;
            *supported += members * enters;
            if (enters & (subsistence[i] < subsistence_only) & (homes[councils - 1] > 0)) {
                int home = search(homes, councils, uniform(keys[5], who, 0) * homes[councils - 1]);
                h->accommodation[row] = SUBSISTENCE, h->council[row] = home;
                occupied[home * KINDS + SUBSISTENCE] += members;
            }
            left -= members;
        }
    }
    free(homes);
}

void arrive_on_appeal(Columns *h, int64_t *n, int64_t slot, int month, int64_t cases, const uint64_t *keys,
                      double share, const double *sizes, int size_count)
{
    for (int64_t i = 0; i < cases; i++, slot++) {
        int64_t row = (*n)++;
        h->slot[row] = slot, h->claimed[row] = month, h->school_age[row] = 0, h->decision_group[row] = 0;
        h->people[row] = household_size(uniform(keys[0], slot, 0), share, sizes, size_count);
        h->stage[row] = APPEAL, h->due[row] = NEVER, h->support[row] = NONE;
        h->accommodation[row] = UNPLACED, h->council[row] = -1;
    }
}

static int64_t serve(const Columns *h, int64_t n, int wanted, bool by_case, int month, uint64_t key, int64_t queue,
                     int64_t capacity, double oldest_share, uint32_t *rows, int64_t *taken)
{
    double front = oldest_share * (capacity < queue ? capacity : queue);
    int64_t waiting = bytes_between(h->stage, n, wanted, wanted, rows), served = 0, row;
    for (*taken = 0; served < waiting && *taken < capacity; served++) {
        int members = by_case ? 1 : h->people[rows[served]];
        if (*taken + members > front) break;
        *taken += members;
    }
    int64_t rest = served < waiting ? rows[served] : n, lucky_upto = served, others = queue - *taken;
    double chance = (double)(capacity - *taken) / (others > 1 ? others : 1);
    int64_t drawn = lucky(h->slot, key, month, chance, rows + served, waiting - served);
    for (int64_t i = served; i < served + drawn; i++) {
        int members = by_case ? 1 : h->people[rows[i]];
        if (*taken + members <= capacity) rows[lucky_upto++] = rows[i], *taken += members;
    }
    int64_t position = served, late = lucky_upto;
    for (row = rest; row < n && *taken < capacity; row++) {
        if (h->stage[row] != wanted) continue;
        if (position < lucky_upto && rows[position] == row) { position++; continue; }
        int members = by_case ? 1 : h->people[row];
        if (*taken + members <= capacity) rows[late++] = row, *taken += members;
    }
    return late;
}

typedef struct { int stage, due; } Next;

static inline Next refused_for_good(bool supported, bool stays, int month)
{
    if (!supported) return (Next){GONE, NEVER};
    return stays ? (Next){REFUSED, NEVER} : (Next){LEAVING, month + 1};
}

static inline Next after_decision(int outcome, bool supported, bool appeals, bool keeps, bool stays, int month, int end)
{
    if (appeals) return (Next){APPEAL, supported && !keeps ? month + 1 : NEVER};
    if (outcome == REFUSAL) return refused_for_good(supported, stays, month);
    if (!supported) return (Next){GONE, NEVER};
    return (Next){outcome == GRANTED ? NOTICE : LEAVING, end};
}

static inline Next after_appeal(bool wins, bool supported, bool stays, int month, int end, int due)
{
    if (wins) return supported ? (Next){NOTICE, end} : (Next){GONE, NEVER};
    return due != NEVER ? (Next){LEAVING, due} : refused_for_good(supported, stays, month);
}

int64_t decide(Columns *h, int64_t n, int month, const uint64_t *keys, int64_t queue, int64_t capacity,
               double oldest_share, const double *outcome_shares, int groups, const double *exit_days,
               double appeal_share, double support_retained, double tail_entry, double withdrawn_days,
               int64_t *outcomes, uint32_t *rows)
{
    double edges[64][4], fate[BLOCK], exit_level[BLOCK], appeal[BLOCK], retained[BLOCK], tail[BLOCK];
    uint32_t who[BLOCK];
    int64_t lodged = 0, taken;
    memset(outcomes, 0, 4 * sizeof *outcomes);
    for (int group = 0; group < groups; group++) cumulate(outcome_shares + 4 * group, 4, edges[group]);
    int64_t served = serve(h, n, AWAITING, false, month, keys[0], queue, capacity, oldest_share, rows, &taken);
    for (int64_t start = 0; start < served; start += BLOCK) {
        int size = served - start < BLOCK ? served - start : BLOCK;
        for (int i = 0; i < size; i++) who[i] = h->slot[rows[start + i]];
        draw(keys[1], who, size, 0, fate), draw(keys[2], who, size, 0, exit_level);
        draw(keys[3], who, size, 0, appeal), draw(keys[4], who, size, 0, retained), draw(keys[5], who, size, 0, tail);
        for (int i = 0; i < size; i++) {
            uint32_t row = rows[start + i];
            int members = h->people[row];
            bool supported = h->support[row] != NONE;
            const double *edge = edges[h->decision_group[row]];
            double mark = fate[i] * edge[3];
            int outcome = (edge[0] <= mark) + (edge[1] <= mark) + (edge[2] <= mark);
            outcomes[outcome] += members;
            bool appeals = (outcome == REFUSAL) & (appeal[i] < appeal_share);
            lodged += appeals;
            double days = outcome == GRANTED ? exit_days[members > 1] : withdrawn_days;
            int end = month + months_until(days, exit_level[i]);
            Next next = after_decision(outcome, supported, appeals, retained[i] < support_retained,
                                       tail[i] < tail_entry, month, end);
            h->stage[row] = next.stage, h->due[row] = next.due;
        }
    }
    return lodged;
}

int64_t decide_appeals(Columns *h, int64_t n, int month, const uint64_t *keys, int64_t queue, int64_t capacity,
                       double oldest_share, double allowed_share, const double *exit_days, double tail_entry,
                       uint32_t *rows, int64_t *allowed)
{
    double fate[BLOCK], exit_level[BLOCK], tail[BLOCK];
    uint32_t who[BLOCK];
    int64_t taken;
    int64_t served = serve(h, n, APPEAL, true, month, keys[0], queue, capacity, oldest_share, rows, &taken);
    *allowed = 0;
    for (int64_t start = 0; start < served; start += BLOCK) {
        int size = served - start < BLOCK ? served - start : BLOCK;
        for (int i = 0; i < size; i++) who[i] = h->slot[rows[start + i]];
        draw(keys[1], who, size, 0, fate), draw(keys[2], who, size, 1, exit_level);
        draw(keys[3], who, size, 0, tail);
        for (int i = 0; i < size; i++) {
            uint32_t row = rows[start + i];
            bool wins = fate[i] < allowed_share, supported = h->support[row] != NONE;
            *allowed += wins;
            int end = month + months_until(exit_days[h->people[row] > 1], exit_level[i]);
            Next next = after_appeal(wins, supported, tail[i] < tail_entry, month, end, h->due[row]);
            h->stage[row] = next.stage, h->due[row] = next.due;
        }
    }
    return taken;
}

void leave(Columns *h, int64_t n, int month, const uint64_t *keys, double tail_hazard, const double *duty_share,
           double drift_share, const double *drift_weight, int councils, int64_t *occupied, int64_t *exits,
           int64_t *duties, uint32_t *rows)
{
    double *destinations = malloc(councils * sizeof *destinations);
    cumulate(drift_weight, councils, destinations);
    memset(exits, 0, 4 * sizeof *exits);
    memset(duties, 0, councils * sizeof *duties);
    int64_t due = numbers_between(h->due, n, -NEVER, month, rows);
    int64_t refused = bytes_between(h->stage, n, REFUSED, REFUSED, rows + due);
    int64_t tail = due + lucky(h->slot, keys[0], month, tail_hazard, rows + due, refused);
    for (int64_t i = 0; i < tail; i++) {
        uint32_t row = rows[i], who = h->slot[row];
        int stage = h->stage[row], home = h->council[row], members = h->people[row];
        int reason = i >= due ? 3 : stage == NOTICE ? 0 : stage == LEAVING ? 1 : 2;
        exits[reason] += members;
        if (home >= 0) {
            occupied[home * KINDS + h->accommodation[row]] -= members;
            if (reason == 0) {
                if (uniform(keys[2], who, 0) < drift_share)
                    home = search(destinations, councils, uniform(keys[3], who, 0) * destinations[councils - 1]);
                if (uniform(keys[1], who, 0) < duty_share[home]) duties[home]++;
            }
        }
        h->support[row] = NONE, h->accommodation[row] = UNPLACED, h->council[row] = -1, h->due[row] = NEVER;
        if (reason != 2) h->stage[row] = GONE;
    }
    free(destinations);
}

typedef struct {
    int64_t *councils, *beds, *unit, *edges, *before, *pull, *room;
} Beds;

static Beds side_by_side(const int64_t *area_start, int areas, const int64_t *by_area, const double *vacancy,
                         const double *weight, int councils)
{
    int64_t *space = calloc(4 * areas * AREA + areas * WIDTH + 2 * areas, sizeof *space);
    Beds found = {space, space + areas * AREA, space + 2 * areas * AREA, space + 3 * areas * AREA,
                  space + 4 * areas * AREA, space + 4 * areas * AREA + areas * WIDTH, 0};
    found.room = found.pull + areas;
    double whole = 0.0;
    for (int i = 0; i < councils; i++) whole += weight[i] * vacancy[i];
    double scale = 0x1p50 / (whole > 1e-200 ? whole : 1e-200);
    for (int area = 0; area < areas; area++) {
        int64_t to = area * AREA;
        for (int64_t i = area_start[area]; i < area_start[area + 1]; i++, to++) {
            int64_t home = found.councils[to] = by_area[i];
            if (vacancy[home] > 0)
                found.beds[to] = (int64_t)vacancy[home], found.unit[to] = (int64_t)ceil(weight[home] * scale);
            found.room[area] += found.beds[to];
        }
        for (int block = area * WIDTH; block < area * WIDTH + WIDTH; block++) {
            int64_t upto = 0;
            found.before[block] = found.pull[area];
            for (int i = block * WIDTH; i < block * WIDTH + WIDTH; i++)
                found.edges[i] = upto += found.unit[i] * found.beds[i];
            found.pull[area] += upto;
        }
    }
    return found;
}

static inline int passed(const int64_t *edges, int64_t mark)
{
    int64_t below = 0;
    for (int i = 0; i < WIDTH; i++) below += edges[i] <= mark;
    return below;
}

static inline void lower(int64_t *edges, int64_t first, int64_t lost)
{
    for (int64_t i = 0; i < WIDTH; i++) edges[i] -= i >= first ? lost : 0;
}

static inline int64_t product(const int64_t *one, const int64_t *other, int64_t least)
{
    int64_t sum = 0;
    for (int i = 0; i < WIDTH; i++) sum += other[i] >= least ? one[i] * other[i] : 0;
    return sum;
}

static inline int64_t home_for_family(double level, int members, const int64_t *beds, const int64_t *unit,
                                      int64_t first, int64_t end)
{
    int64_t total = 0, chosen = -1;
    for (int64_t block = first; block < end; block += WIDTH) total += product(unit + block, beds + block, members);
    if (total == 0)
        for (int64_t i = first; i < end; i++)
            if (beds[i] >= members) chosen = i;
    int64_t mark = (int64_t)(level * total);
    for (int64_t block = first; block < end; block += WIDTH) {
        int64_t here = product(unit + block, beds + block, members);
        if (here > mark) {
            chosen = block;
            for (int64_t i = block; i < block + WIDTH; i++) {
                mark -= unit[i] * beds[i] * (beds[i] >= members);
                chosen += mark >= 0;
            }
            break;
        }
        mark -= here;
    }
    return chosen;
}

static int64_t wanting(const uint8_t *support, const uint8_t *accommodation, int turn, int64_t start, int64_t end,
                       uint32_t *rows)
{
    uint8_t one = turn == 1 ? HOTEL : turn == 2 ? UNPLACED : INITIAL, other = turn == 3 ? HOTEL : one, flags[BLOCK];
    int64_t count = 0;
    for (int64_t first = start; first < end; first += BLOCK) {
        int size = end - first < BLOCK ? end - first : BLOCK;
        const uint8_t *kind = accommodation + first, *has = support + first;
        if (turn == 2)
            for (int i = 0; i < size; i++) flags[i] = (kind[i] == one) & (has[i] != NONE);
        else
            for (int i = 0; i < size; i++) flags[i] = (kind[i] == one) | (kind[i] == other);
        memset(flags + size, 0, BLOCK - size);
        count = append(flags, first, rows, count);
    }
    return count;
}

static int64_t living(const int16_t *council, const uint8_t *there, uint32_t *rows, int64_t n)
{
    uint8_t flags[BLOCK];
    uint32_t kept[BLOCK];
    int64_t count = 0;
    for (int64_t first = 0; first < n; first += BLOCK) {
        int size = n - first < BLOCK ? n - first : BLOCK;
        const uint32_t *these = rows + first;
        for (int i = 0; i < size; i++) flags[i] = there[council[these[i]]];
        memset(flags + size, 0, BLOCK - size);
        int found = append(flags, 0, kept, 0);
        for (int i = 0; i < found; i++) rows[count + i] = these[kept[i]];
        count += found;
    }
    return count;
}

int64_t place(Columns *h, int64_t n, int month, uint64_t key, const int64_t *area_of, const int64_t *area_start,
              int areas, const int64_t *by_area, const double *vacancy, const double *weight, int councils,
              int64_t *occupied, uint32_t *queue, uint32_t *waiting)
{
    Beds b = side_by_side(area_start, areas, by_area, vacancy, weight, councils);
    int64_t total = 0;
    int largest[64];
    uint8_t *beds_there = malloc(councils), sizes[BLOCK];
    uint32_t who[BLOCK];
    int16_t homes[BLOCK];
    double levels[BLOCK];
    for (int area = 0; area < areas; area++) total += b.room[area], largest[area] = 255;
    for (int turn = 0; turn < 4; turn++) {
        bool full = true, nobody = false;
        for (int64_t start = 0; start < n && total >= 1 && !nobody; start += PART) {
            int64_t end = start + PART < n ? start + PART : n;
            int64_t found = wanting(h->support, h->accommodation, turn, start, end, waiting);
            for (int64_t first = 0; first < found && total >= 1 && !nobody; first += BLOCK) {
                uint32_t *rows = waiting + first;
                int count = found - first < BLOCK ? found - first : BLOCK;
                if (turn < 2) {
                    nobody = full;
                    for (int i = 0; full && i < councils; i++) {
                        beds_there[i] = (b.room[area_of[i]] > 0) & (largest[area_of[i]] > 0);
                        nobody &= !(beds_there[i] && occupied[i * KINDS + (turn ? HOTEL : INITIAL)] > 0);
                    }
                    full = false;
                    count = living(h->council, beds_there, rows, count);
                }
                for (int i = 0; i < count; i++) {
                    uint32_t row = rows[i];
                    who[i] = h->slot[row], sizes[i] = h->people[row], homes[i] = h->council[row];
                }
                draw(key, who, count, 4 * (month + 1000) + turn, levels);
                for (int i = 0; i < count && total >= 1; i++) {
                    int64_t members = sizes[i], area = 0, block, chosen;
                    if (turn < 2) {
                        area = area_of[homes[i]];
                    } else {
                        int64_t mark = (int64_t)(uniform(key, who[i], 4 * month + turn) * total);
                        for (int other = 0; other < areas; other++) mark -= b.room[other], area += mark >= 0;
                    }
                    if (b.room[area] < members || largest[area] < members) continue;
                    if (members == 1 && b.pull[area] > 0) {
                        int64_t mark = (int64_t)(levels[i] * b.pull[area]);
                        block = area * WIDTH + passed(b.before + area * WIDTH, mark) - 1;
                        chosen = block * WIDTH + passed(b.edges + block * WIDTH, mark - b.before[block]);
                    } else {
                        chosen = home_for_family(levels[i], members, b.beds, b.unit, area * AREA,
                                                 area * AREA + area_start[area + 1] - area_start[area]);
                        if (chosen < 0) {
                            largest[area] = members - 1;
                            full |= members == 1;
                            continue;
                        }
                    }
                    int64_t lost = b.unit[chosen] * members, home = b.councils[chosen];
                    uint32_t row = rows[i];
                    block = chosen / WIDTH;
                    lower(b.edges + block * WIDTH, chosen % WIDTH, lost);
                    lower(b.before + area * WIDTH, block % WIDTH + 1, lost);
                    b.pull[area] -= lost;
                    if (homes[i] >= 0) occupied[homes[i] * KINDS + h->accommodation[row]] -= members;
                    h->accommodation[row] = DISPERSAL, h->council[row] = home;
                    occupied[home * KINDS + DISPERSAL] += members;
                    b.beds[chosen] -= members;
                    b.room[area] -= members;
                    total -= members;
                    full |= b.room[area] == 0;
                }
            }
        }
    }
    free(b.councils), free(beds_there);
    return wanting(h->support, h->accommodation, 2, 0, n, queue);
}

static int next_with_room(const int64_t *vacancy, int councils, int first, int members)
{
    for (int home = first; home < councils; home++)
        if (vacancy[home] >= members) return home;
    for (int home = 0; home < first; home++)
        if (vacancy[home] >= members) return home;
    return -1;
}

int64_t fill(Columns *h, int month, uint64_t key, int kind, int64_t *vacancy, int councils, int64_t *occupied,
             uint32_t *queue, int64_t count, int64_t *people)
{
    int64_t room = 0, left = 0, bed = 0;
    for (int i = 0; i < councils; i++) room += vacancy[i];
    int64_t start = room;
    int16_t *council_of = malloc((start + 1) * sizeof *council_of);
    for (int i = 0; i < councils; i++)
        for (int64_t one = 0; one < vacancy[i]; one++) council_of[bed++] = i;
    int largest = 255;
    *people = 0;
    for (int64_t position = 0; position < count; position++) {
        uint32_t row = queue[position];
        int members = h->people[row], home = -1;
        if (members <= room && members <= largest) {
            home = council_of[(int64_t)(uniform(key, h->slot[row], month) * start)];
            if (vacancy[home] < members) home = next_with_room(vacancy, councils, home, members);
            if (home < 0) largest = members - 1;
        }
        if (home < 0) { queue[left++] = row, *people += members; continue; }
        h->accommodation[row] = kind, h->council[row] = home;
        occupied[home * KINDS + kind] += members;
        vacancy[home] -= members;
        room -= members;
    }
    free(council_of);
    return left;
}

static int by_row(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return (one > other) - (one < other);
}

int64_t displace(Columns *h, int64_t n, int kind, int64_t *surplus, int councils, int64_t *occupied, uint32_t *queue,
                 int64_t count)
{
    uint32_t housed[PART];
    int over = 0;
    uint8_t *there = malloc(councils);
    for (int i = 0; i < councils; i++) over += surplus[i] > 0;
    for (int64_t start = (n - 1) / PART * PART; start >= 0 && over > 0; start -= PART) {
        int64_t size = n - start < PART ? n - start : PART;
        int64_t those = bytes_between(h->accommodation + start, size, kind, kind, housed);
        for (int i = 0; i < councils; i++) there[i] = surplus[i] > 0;
        for (int64_t i = living(h->council + start, there, housed, those) - 1; i >= 0; i--) {
            uint32_t row = start + housed[i];
            int home = h->council[row];
            if (surplus[home] > 0) {
                occupied[home * KINDS + kind] -= h->people[row];
                surplus[home] -= h->people[row];
                h->accommodation[row] = UNPLACED, h->council[row] = -1;
                queue[count++] = row;
                over -= surplus[home] <= 0;
            }
        }
    }
    free(there);
    qsort(queue, count, sizeof *queue, by_row);
    return count;
}

void census(const Columns *h, int64_t n, const int64_t *occupied, int64_t *present, int councils, uint32_t *rows,
            int64_t *counts)
{
    int64_t awaiting = 0, appeals = 0, supported = 0, households = 0, refused = 0, gone = 0;
    int64_t *both = calloc(councils, sizeof *both);
    for (int64_t row = 0; row < n; row++) {
        int stage = h->stage[row], members = h->people[row], has = h->support[row] != NONE;
        awaiting += members * (stage == AWAITING);
        appeals += stage == APPEAL;
        gone += stage == GONE;
        supported += members * has;
        households += has;
        refused += members * (has & (stage == REFUSED));
    }
    int64_t housed = numbers_between(h->council, n, 0, NEVER, rows);
    for (int64_t i = 0; i < housed; i++) {
        uint32_t row = rows[i];
        int live = (h->stage[row] == AWAITING) | (h->stage[row] == APPEAL);
        both[h->council[row]] += ((int64_t)h->school_age[row] << 32) + h->people[row] * live;
    }
    for (int home = 0; home < councils; home++) {
        int64_t *here = present + 4 * home, people = 0;
        for (int kind = 0; kind < KINDS; kind++) people += occupied[home * KINDS + kind];
        here[0] = people;
        here[1] = both[home] >> 32;
        here[2] = people - here[1];
        here[3] = both[home] & 0xFFFFFFFF;
    }
    free(both);
    int64_t found[] = {awaiting, appeals, supported, households, refused, gone};
    memcpy(counts, found, sizeof found);
}
