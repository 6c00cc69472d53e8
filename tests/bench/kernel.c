/* The rules for households in C, the algorithm of sim/kernels.py line for line: the yardstick of compiled speed. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { AWAITING, APPEAL, NOTICE, LEAVING, REFUSED, GONE };
enum { GRANTED, REFUSAL, WITHDRAWN, ADMINISTRATIVE };
enum { NONE, SUPPORTED };
enum { INITIAL, DISPERSAL, HOTEL, OTHER_CONTINGENCY, OTHER, SUBSISTENCE, UNPLACED, KINDS };
#define NEVER 32000
#define BLOCK 1024

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

static int pick(double level, const double *weights, int count)
{
    double total = 0.0;
    for (int i = 0; i < count; i++) total += weights[i];
    if (total <= 0.0) return -1;
    double mark = level * total;
    int last = -1;
    for (int i = 0; i < count; i++)
        if (weights[i] > 0.0) {
            last = i;
            mark -= weights[i];
            if (mark < 0.0) return i;
        }
    return last;
}

static int household_size(double level, double share, const double *sizes, int count)
{
    return level >= share ? 1 : 2 + pick(level / share, sizes, count);
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
    *supported = *alone = 0;
    for (int64_t left = people, row = *n; left > 0; row = *n, slot++) {
        double level = uniform(keys[1], slot, 0);
        bool child = level >= 1.0 - unaccompanied;
        int64_t members = 1;
        if (!child) {
            members = household_size(uniform(keys[0], slot, 0), family_share, sizes, size_count);
            if (members > left) members = left;
        }
        int pupils = 0;
        for (int member = 1; member < members; member++) pupils += uniform(keys[3], slot, member) < school_share;
        h->slot[row] = slot, h->claimed[row] = month, h->people[row] = members, h->school_age[row] = pupils;
        h->decision_group[row] = pick(uniform(keys[2], slot, 0), groups, group_count);
        h->stage[row] = AWAITING, h->due[row] = NEVER;
        h->support[row] = NONE, h->accommodation[row] = UNPLACED, h->council[row] = -1;
        if (child) {
            *alone += 1;
        } else if (level < uptake) {
            h->support[row] = SUPPORTED;
            *supported += members;
            if (uniform(keys[4], slot, 0) < subsistence_only) {
                int home = pick(uniform(keys[5], slot, 0), subsistence_weight, councils);
                if (home >= 0) {
                    h->accommodation[row] = SUBSISTENCE, h->council[row] = home;
                    occupied[home * KINDS + SUBSISTENCE] += members;
                }
            }
        }
        left -= members;
        *n += 1;
    }
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

static int64_t some_in(const Columns *h, int64_t first, int64_t n, int wanted, uint64_t key, int month, double chance,
                       int32_t *rows)
{
    uint8_t hit[BLOCK];
    int64_t count = 0;
    for (int64_t start = first; start < n; start += BLOCK) {
        int64_t length = n - start < BLOCK ? n - start : BLOCK;
        const uint32_t *who = h->slot + start;
        const uint8_t *there = h->stage + start;
        for (int64_t i = 0; i < length; i++) hit[i] = (uniform(key, who[i], month) < chance) & (there[i] == wanted);
        for (int64_t i = 0; i < length; i++) rows[count] = start + i, count += hit[i];
    }
    return count;
}

static int64_t serve(const Columns *h, int64_t n, int wanted, bool by_case, int month, uint64_t key, int64_t queue,
                     int64_t capacity, double oldest_share, int32_t *rows, int64_t *taken)
{
    double front = oldest_share * (capacity < queue ? capacity : queue);
    int64_t served = 0, row = 0;
    *taken = 0;
    for (; row < n && *taken < capacity; row++)
        if (h->stage[row] == wanted) {
            int members = by_case ? 1 : h->people[row];
            if (*taken + members > front) break;
            rows[served++] = row;
            *taken += members;
        }
    int64_t rest = row, lucky = served, waiting = queue - *taken;
    double chance = (double)(capacity - *taken) / (waiting > 1 ? waiting : 1);
    int64_t drawn = some_in(h, rest, n, wanted, key, month, chance, rows + served);
    for (int64_t i = served; i < served + drawn; i++) {
        int members = by_case ? 1 : h->people[rows[i]];
        if (*taken + members <= capacity) rows[lucky++] = rows[i], *taken += members;
    }
    int64_t position = served, late = lucky;
    for (row = rest; row < n && *taken < capacity; row++) {
        if (h->stage[row] != wanted) continue;
        if (position < lucky && rows[position] == row) { position++; continue; }
        int members = by_case ? 1 : h->people[row];
        if (*taken + members <= capacity) rows[late++] = row, *taken += members;
    }
    return late;
}

static void after_refusal(Columns *h, int64_t row, int month, uint64_t key, double tail_entry)
{
    if (h->support[row] == NONE)
        h->stage[row] = GONE;
    else if (uniform(key, h->slot[row], 0) < tail_entry)
        h->stage[row] = REFUSED, h->due[row] = NEVER;
    else
        h->stage[row] = LEAVING, h->due[row] = month + 1;
}

int64_t decide(Columns *h, int64_t n, int month, const uint64_t *keys, int64_t queue, int64_t capacity,
               double oldest_share, const double *outcome_shares, const double *exit_days, double appeal_share,
               double retained, double tail_entry, double withdrawn_days, int64_t *outcomes, int32_t *rows)
{
    int64_t lodged = 0, taken;
    memset(outcomes, 0, 4 * sizeof *outcomes);
    int64_t served = serve(h, n, AWAITING, false, month, keys[0], queue, capacity, oldest_share, rows, &taken);
    for (int64_t i = 0; i < served; i++) {
        int64_t row = rows[i], who = h->slot[row];
        int members = h->people[row];
        int outcome = pick(uniform(keys[1], who, 0), outcome_shares + 4 * h->decision_group[row], 4);
        outcomes[outcome] += members;
        if (outcome == REFUSAL) {
            if (uniform(keys[3], who, 0) < appeal_share) {
                lodged++;
                h->stage[row] = APPEAL, h->due[row] = NEVER;
                if (h->support[row] == SUPPORTED && uniform(keys[4], who, 0) >= retained) h->due[row] = month + 1;
            } else {
                after_refusal(h, row, month, keys[5], tail_entry);
            }
        } else if (h->support[row] == NONE) {
            h->stage[row] = GONE;
        } else {
            double days = outcome == GRANTED ? exit_days[members > 1] : withdrawn_days;
            h->stage[row] = outcome == GRANTED ? NOTICE : LEAVING;
            h->due[row] = month + months_until(days, uniform(keys[2], who, 0));
        }
    }
    return lodged;
}

int64_t decide_appeals(Columns *h, int64_t n, int month, const uint64_t *keys, int64_t queue, int64_t capacity,
                       double oldest_share, double allowed_share, const double *exit_days, double tail_entry,
                       int32_t *rows, int64_t *allowed)
{
    int64_t taken;
    int64_t served = serve(h, n, APPEAL, true, month, keys[0], queue, capacity, oldest_share, rows, &taken);
    *allowed = 0;
    for (int64_t i = 0; i < served; i++) {
        int64_t row = rows[i], who = h->slot[row];
        if (uniform(keys[1], who, 0) < allowed_share) {
            *allowed += 1;
            if (h->support[row] == NONE) {
                h->stage[row] = GONE;
            } else {
                h->stage[row] = NOTICE;
                h->due[row] = month + months_until(exit_days[h->people[row] > 1], uniform(keys[2], who, 1));
            }
        } else if (h->due[row] != NEVER) {
            h->stage[row] = LEAVING;
        } else {
            after_refusal(h, row, month, keys[3], tail_entry);
        }
    }
    return taken;
}

void leave(Columns *h, int64_t n, int month, const uint64_t *keys, double tail_hazard, const double *duty_share,
           double drift_share, const double *drift_weight, int councils, int64_t *occupied, int64_t *exits,
           int64_t *duties, int32_t *rows)
{
    int64_t due = 0;
    memset(exits, 0, 4 * sizeof *exits);
    memset(duties, 0, councils * sizeof *duties);
    for (int64_t row = 0; row < n; row++) rows[due] = row, due += h->due[row] <= month;
    int64_t count = due + some_in(h, 0, n, REFUSED, keys[0], month, tail_hazard, rows + due);
    for (int64_t i = 0; i < count; i++) {
        int64_t row = rows[i], who = h->slot[row];
        int reason = 3, home = h->council[row];
        if (i < due) reason = h->stage[row] == NOTICE ? 0 : h->stage[row] == LEAVING ? 1 : 2;
        exits[reason] += h->people[row];
        if (home >= 0) {
            occupied[home * KINDS + h->accommodation[row]] -= h->people[row];
            if (reason == 0) {
                if (uniform(keys[2], who, 0) < drift_share) home = pick(uniform(keys[3], who, 0), drift_weight, councils);
                if (uniform(keys[1], who, 0) < duty_share[home]) duties[home]++;
            }
        }
        h->support[row] = NONE, h->accommodation[row] = UNPLACED, h->council[row] = -1, h->due[row] = NEVER;
        if (reason != 2) h->stage[row] = GONE;
    }
}

static int choose(double level, int members, const double *beds, const double *weight, int councils, double pull)
{
    double total = pull;
    if (members > 1) {
        total = 0.0;
        for (int i = 0; i < councils; i++)
            if (beds[i] >= members) total += weight[i] * beds[i];
    }
    double mark = level * total;
    int last = -1;
    for (int i = 0; i < councils; i++)
        if (beds[i] >= members) {
            last = i;
            mark -= weight[i] * beds[i];
            if (mark < 0.0) return i;
        }
    return last;
}

int64_t place(Columns *h, int64_t n, int month, uint64_t key, const int64_t *area_of, const int64_t *area_start,
              int areas, const int64_t *by_area, const double *vacancy, const double *weight, int councils,
              int64_t *occupied, int32_t *queue, int32_t *waiting)
{
    double room[64] = {0}, pull[64] = {0}, total = 0.0;
    int largest[64];
    double *beds = malloc(2 * councils * sizeof *beds), *prefer = beds + councils;
    for (int i = 0; i < councils; i++) {
        room[area_of[i]] += vacancy[i];
        pull[area_of[i]] += weight[i] * vacancy[i];
        beds[i] = vacancy[by_area[i]], prefer[i] = weight[by_area[i]];
    }
    for (int area = 0; area < areas; area++) total += room[area], largest[area] = 255;
    int64_t count = 0, left = 0;
    for (int64_t row = 0; row < n; row++) {
        int kind = h->accommodation[row];
        waiting[count] = row;
        count += (h->support[row] != NONE) & ((kind == UNPLACED) | (kind == HOTEL) | (kind == INITIAL));
    }
    for (int turn = 0; turn < 4; turn++) {
        int wanted = turn == 0 ? INITIAL : turn == 1 ? HOTEL : UNPLACED;
        for (int64_t i = 0; i < count; i++) {
            if (total < 1) break;
            int64_t row = waiting[i], who = h->slot[row];
            int kind = h->accommodation[row], members = h->people[row];
            if ((turn < 3 && kind != wanted) || (turn == 3 && kind != HOTEL && kind != INITIAL)) continue;
            int area = turn < 2 ? (int)area_of[h->council[row]] : pick(uniform(key, who, 4 * month + turn), room, areas);
            if (room[area] < members || largest[area] < members) continue;
            int64_t start = area_start[area];
            double level = uniform(key, who, 4 * (month + 1000) + turn);
            int chosen = choose(level, members, beds + start, prefer + start, area_start[area + 1] - start, pull[area]);
            if (chosen < 0) { largest[area] = members - 1; continue; }
            beds[start + chosen] -= members;
            int64_t home = by_area[start + chosen];
            if (h->council[row] >= 0) occupied[h->council[row] * KINDS + kind] -= members;
            h->accommodation[row] = DISPERSAL, h->council[row] = home;
            occupied[home * KINDS + DISPERSAL] += members;
            room[area] -= members;
            pull[area] -= weight[home] * members;
            total -= members;
        }
    }
    for (int64_t i = 0; i < count; i++)
        if (h->accommodation[waiting[i]] == UNPLACED) queue[left++] = waiting[i];
    free(beds);
    return left;
}

int64_t fill(Columns *h, int month, uint64_t key, int kind, int64_t *vacancy, int councils, int64_t *occupied,
             int32_t *queue, int64_t count, int64_t *people)
{
    int64_t *edges = malloc(councils * sizeof *edges), room = 0, left = 0;
    for (int i = 0; i < councils; i++) edges[i] = room += vacancy[i];
    int64_t start = room;
    *people = 0;
    for (int64_t position = 0; position < count; position++) {
        int64_t row = queue[position];
        int members = h->people[row], home = -1;
        if (room >= members) {
            double mark = uniform(key, h->slot[row], month) * start;
            int low = 0, high = councils;
            while (low < high) {
                int middle = (low + high) / 2;
                if (mark < edges[middle]) high = middle; else low = middle + 1;
            }
            for (int step = 0; step < councils; step++) {
                int other = (low + step) % councils;
                if (vacancy[other] >= members) { home = other; break; }
            }
        }
        if (home < 0) { queue[left++] = row, *people += members; continue; }
        h->accommodation[row] = kind, h->council[row] = home;
        occupied[home * KINDS + kind] += members;
        vacancy[home] -= members;
        room -= members;
    }
    free(edges);
    return left;
}

static int by_row(const void *a, const void *b) { return *(const int32_t *)a - *(const int32_t *)b; }

int64_t displace(Columns *h, int64_t n, int kind, int64_t *surplus, int councils, int64_t *occupied, int32_t *queue,
                 int64_t count, int32_t *rows)
{
    int64_t housed = 0;
    int over = 0;
    for (int i = 0; i < councils; i++) over += surplus[i] > 0;
    for (int64_t row = 0; row < n; row++) rows[housed] = row, housed += h->accommodation[row] == kind;
    for (int64_t i = housed - 1; i >= 0 && over > 0; i--) {
        int64_t row = rows[i];
        int home = h->council[row];
        if (surplus[home] > 0) {
            occupied[home * KINDS + kind] -= h->people[row];
            surplus[home] -= h->people[row];
            h->accommodation[row] = UNPLACED, h->council[row] = -1;
            queue[count++] = row;
            over -= surplus[home] <= 0;
        }
    }
    qsort(queue, count, sizeof *queue, by_row);
    return count;
}

void census(const Columns *h, int64_t n, int64_t *present, int councils, int32_t *rows, int64_t *counts)
{
    int64_t awaiting = 0, appeals = 0, supported = 0, households = 0, refused = 0, gone = 0, housed = 0;
    memset(present, 0, 4 * councils * sizeof *present);
    for (int64_t row = 0; row < n; row++) {
        int stage = h->stage[row], members = h->people[row], has = h->support[row] != NONE;
        awaiting += members * (stage == AWAITING);
        appeals += stage == APPEAL;
        gone += stage == GONE;
        supported += members * has;
        households += has;
        refused += members * (has & (stage == REFUSED));
    }
    for (int64_t row = 0; row < n; row++) rows[housed] = row, housed += h->council[row] >= 0;
    for (int64_t i = 0; i < housed; i++) {
        int64_t row = rows[i], *here = present + 4 * h->council[row];
        int members = h->people[row], children = h->school_age[row];
        here[0] += members;
        here[1] += children;
        here[2] += members - children;
        here[3] += members * ((h->stage[row] == AWAITING) | (h->stage[row] == APPEAL));
    }
    int64_t found[] = {awaiting, appeals, supported, households, refused, gone};
    memcpy(counts, found, sizeof found);
}
