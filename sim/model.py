"""The month, as data: Mesa actors round columns of households."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Any

import mesa
import numpy as np
from mesa.experimental.scenarios import Scenario
from scipy.special import gammaincinv

from params import Assumptions
from sim import (
    children,
    consultation,
    costs,
    council,
    equity,
    home_office,
    households,
    month,
    provider,
    section_4,
    services,
)
from sim.allocation import NAMES, RULES
from sim.clock import months_after
from sim.council import Council, Councils
from sim.funding import Caseload, settle, terms
from sim.home_office import HomeOffice
from sim.households import Households
from sim.intelligence import Intelligence
from sim.noise import drift
from sim.numbers import by_month
from sim.provider import Provider
from sim.randomness import Draws
from sim.recorder import Recorder, keep_flows, keep_stocks
from sim.rules import Rules
from sim.states import Accommodation, Outcome

PHASES = (
    "policy", "arrive", "decide", "appeal", "leave", "procure", "consult",
    "open_beds", "place", "hotels", "serve", "fund", "respond", "record",
)  # fmt: skip
_WARM_UP = 18  # months of proposals before the start, so that homes on their way at the start exist


@dataclass
class Start:
    """The published position a run starts from.

    Attributes:
        day: quarter end.
        stock: (council, 6) supported people by accommodation type.
        national: people `awaiting`, open `appeals` (cases), people on `section_4`, and of the quarter before: people
            `granted_a_month`, `claims_a_month` and `growth_a_month` of people supported.
        baseline: (council,) people accommodated at the end of the financial year before.
        decision_groups: reference table of outcome shares by decision group.
        status: how much of `stock` was published: published, subsistence_estimated, estimated (the whole split) or
            hotel_split_estimated.
    """

    day: date
    stock: np.ndarray
    national: dict[str, float]
    baseline: np.ndarray
    decision_groups: Any
    status: str = "published"


class DispersalModel(mesa.Model):
    """One replication. `run_for(1)` is one month, the phases of `PHASES` in order.

    Attributes:
        counts: people awaiting a decision, open appeals (cases), people and households supported, and people
            supported with no appeal left.
        supported_before: people supported three months ago, two, and one.
        looked_after: (authority,) unaccompanied children.
        needed, capacity, pressure, served, gross: (council, service), as in `sim/services.py` and `sim/costs.py`.
        consulting, pipeline: (tick, council) beds by when they are answered, and by when they open.
    """

    counts: tuple[int, ...]
    supported_before: list[int]
    looked_after: np.ndarray
    exits: np.ndarray
    grant: np.ndarray
    appeals_decided: int
    newly_supported: int
    _turnaround: np.ndarray
    _uptake: np.ndarray
    _capacity_noise: np.ndarray
    _grant_noise: np.ndarray

    def __init__(
        self,
        assumptions: Assumptions,
        start: Start,
        councils: Councils,
        intake: np.ndarray,
        seed: int,
        rules: Rules,
    ) -> None:
        super().__init__(scenario=Scenario(rng=seed, name=assumptions.scenario))
        self.draws = Draws(seed)
        self._keys = month.keys(self.draws, len(councils.areas))
        self.rules = rules
        self._own_rules = not rules.replaced
        self.start = start
        self.intake = intake if intake.ndim == 1 else intake.sum(axis=1)
        self.councils = councils
        self.calendar = months_after(start.day, self.intake.size)
        councils.month = self.calendar[0]
        self._days = [month.astype("datetime64[D]").item() for month in self.calendar]
        self._policy = assumptions.by_month(self._days)
        self._every = by_month(self._policy)
        self.month = -1
        self._local = Intelligence(assumptions.local.rules, councils)
        known = assumptions.local.populations.columns if assumptions.local.populations else {}
        if "population_2001" in known:
            councils.population_2001 = np.array(known["population_2001"])
        self._child_population = np.array(known.get("child_population", ()))
        self._enter(0)
        self._start_councils()
        self.home_office = HomeOffice(self)
        self.providers = [
            Provider(self, name, [a for a, p in enumerate(councils.provider_of_area) if p == name])
            for name in sorted(set(councils.provider_of_area))
        ]
        self.council_agents = [Council(self, councils, row) for row in range(councils.count)]
        groups = start.decision_groups
        usual = groups["share_of_claims"].to_numpy(float)
        self._usual_groups = usual, groups["grant_share"].to_numpy(float)
        self._group_shares = np.tile(usual, (self.intake.size, 1)) if intake.ndim == 1 else intake.astype(float)
        self.households: Households = households.start(
            start.stock, start.national, self.now, usual, self.draws
        )
        self._family_sizes = households.family_sizes(self.now)
        self._start_flows()
        self._start_services()
        self._places = self._hold_places()
        for tick in range(_WARM_UP):
            self._propose(tick)
            self._answer(tick)
            councils.coming -= self.pipeline[tick]  # these opened before the start
        self.recorder = Recorder(start.day, self.intake.size, councils.count)
        self._record_stocks(0)

    def step(self) -> None:
        """One month, by Mesa's clock."""
        self.run_month()

    def run_month(self) -> None:
        """One month: in one go where rules and households are the model's own compiled ones, else phase by phase."""
        if self._own_rules and type(self.households) is Households:
            self._run_in_one_go()
        else:
            self.run_phases()

    def run_phases(self) -> None:
        """One month: every phase once, in the declared order."""
        self.month += 1
        for phase in PHASES:
            getattr(self, phase)()

    def _run_in_one_go(self) -> None:
        """What `run_phases` does, in one compiled stretch: `sim/month.py`."""
        self.month += 1
        self.policy()
        hh, councils, m = self.households, self.councils, self.month
        people, cases = self._claims()
        hh.reserve(people + cases)
        slots = households.first_slot(m), households.first_slot(m, on_appeal=True)
        noise = float(self._capacity_noise[m, 0]), float(self._grant_noise[m, 0]), float(self._uptake[m])
        awaiting, appeals, supported, *_ = self.counts
        hh.n, flows, (*counts, hh.gone), money = month.run(
            hh.columns, hh.n, hh.queue, hh.scratch, councils.rows, self._places, self._keys, self.numbers, m,
            m + _WARM_UP, slots, people, cases, (awaiting, appeals, supported), self.supported_before[0], noise,
            self._family_sizes, (self._group_shares[m], *self._usual_groups), NAMES.index(self.now.placement.rule),
            provider.net_growth(councils, self.now), self._turnaround[m], self._levels[m],
            terms(self.now, self._days[m]), self._ends_quarter(), self._nights(), self.recorder.kept,
        )  # fmt: skip
        self.newly_supported, alone, leavers, lodged, self.appeals_decided, allowed = flows
        self._record_claims(people, alone, leavers, cases)
        self._record_decisions(lodged)
        self._record_appeals(allowed)
        self.recorder["exits_in_month"][m] = self.exits
        self._count(tuple(counts))
        self._record_money(self._levels[m, 0], *money)
        self.supported_before = [*self.supported_before[1:], self.counts[2]]
        self._record_nation(m + 1)

    # ------------------------------------------------------------------ set-up

    def _start_councils(self) -> None:
        """What no table holds: frailty (the same in every arm), willingness, and hotel beds that stand empty."""
        councils, now = self.councils, self.now
        shape = now.procurement.frailty_shape
        councils.frailty = gammaincinv(shape, self.draws.each("frailty", councils.count, 0)) / shape
        councils.willingness = now.response.start_willingness
        gained = self.start.stock[:, : Accommodation.SUBSISTENCE].sum(axis=1) - self.start.baseline
        gained = gained / councils.population
        councils.fair_weight = equity.weighed(councils.population, councils.factors, now, gained)
        councils.hotel_beds = np.ceil(councils.hotel_beds / now.hotels.used_share)
        # Who entered support and did not add to it replaced somebody, whose bed stands empty for a while.
        flows = self.start.national
        left = max(flows["claims_a_month"] * now.support.uptake - flows["growth_a_month"], 0.0)
        voids = councils.beds * left / max(int(self.start.stock.sum()), 1) * now.procurement.turnaround
        councils.voids = np.floor(voids)
        councils.voids += self.draws.each("voids at start", councils.count, 0) < voids - councils.voids
        councils.beds += councils.voids

    def _start_flows(self) -> None:
        councils, draws = self.councils, self.draws
        horizon = _WARM_UP + self.intake.size + 3 * consultation.LONGEST_LAG
        self.consulting = np.zeros((horizon, councils.count), np.int64)
        self.pipeline = np.zeros((horizon, councils.count), np.int64)
        self.supported_before = [int(self.start.stock.sum())] * 3  # three months ago, two, one
        self.baseline = self.start.baseline.astype(float)
        self.baseline_people, self.quarter_before = (np.zeros((councils.count, len(Accommodation))) for _ in range(2))
        self.baseline_people[:, :-1] = _by_type(self.baseline, self.start.stock)
        self.quarter_before[:, :-1] = self.start.stock
        self.subsistence_weight = self.start.stock[:, Accommodation.SUBSISTENCE].astype(float)
        # Every month at once: what the names below read are arrays (month,).
        now = self._every.view(np.recarray)
        own, uptake, relets = now.decisions, now.support, now.procurement
        self._capacity_noise, _ = drift("decision capacity", own.capacity_persistence, own.capacity_sd, draws)
        self._grant_noise, _ = drift("grant odds", own.grant_persistence, own.grant_odds_sd, draws)
        noise, variance = drift("support uptake", uptake.uptake_persistence, uptake.uptake_sd, draws)
        self._uptake = np.minimum(uptake.uptake * np.exp(noise - variance / 2)[:, 0], 1.0)
        paces = relets.turnaround_persistence, relets.turnaround_sd, draws, len(councils.areas)
        noise, variance = drift("turnaround", *paces)
        self._turnaround = relets.turnaround[:, None] * np.exp(noise - variance / 2)
        self.newly_supported = 0
        self.section_4 = self.start.national["section_4"]
        self._authorities = np.bincount(councils.upper_tier, councils.population)
        self._children = self._authorities * self.now.children.child_share
        if self.now.children.population == "local_file":
            self._children = np.bincount(councils.upper_tier, self._child_population)
        self.looked_after = self.now.children.start * self._authorities / self._authorities.sum()
        self.duties = np.zeros(councils.count, np.int64)
        self.exits = np.zeros(4, np.int64)
        self.outcomes = np.zeros(len(Outcome), np.int64)
        self.present = np.zeros((councils.count, 4), np.int64)

    def _start_services(self) -> None:
        """Capacity, temporary accommodation and the grant position consistent with the first month."""
        now, hh, councils, rows = self.now, self.households, self.councils, self.councils.rows
        self.counts = hh.census(self.present)
        supported = self.present[:, 0]
        leaving = self.start.national["granted_a_month"] * now.support.granted_supported
        leaving /= max(self.counts[2] / max(self.counts[3], 1), 1.0)
        moved, there = now.move_on.drift_share, supported / max(int(supported.sum()), 1)
        monthly = leaving * ((1 - moved) * there + moved * council.destinations(rows, supported, self.numbers))
        services.settle(rows, monthly, self.numbers)
        shape = councils.count, services.LINES
        self.needed, self.pressure, self.served, self.gross = (np.zeros(shape) for _ in range(4))
        services.demand(rows, self.present, self.numbers, self.needed)
        self.least = services.floor(self.needed, self.counts[2], now)
        self.capacity = np.maximum(self.needed / now.services.start_pressure, self.least)
        services.press(rows, self.needed, self.capacity, councils.upper_tier, self.numbers, self.pressure)
        self._levels = costs.levels(self.calendar, self._every)
        level = self._levels[0, 2]
        costs.council(rows, self.needed, self.capacity, self.numbers, level, self.served, self.gross)
        settle(rows, self.rules.grants(self._caseload(), now), self.gross, 1)

    def _hold_places(self) -> month.Places:
        """Everything about councils besides their rows that the compiled month reads or fills."""
        councils, hh = self.councils, self.households
        return month.Places(
            area=np.ascontiguousarray(councils.area),
            by_area=councils.by_area,
            area_start=councils.area_start,
            upper_tier=councils.upper_tier,
            fixed_beds=councils.fixed_beds,
            occupied=hh.occupied,
            present=self.present,
            consulting=self.consulting,
            pipeline=self.pipeline,
            needed=self.needed,
            capacity=self.capacity,
            pressure=self.pressure,
            least=self.least,
            served=self.served,
            gross=self.gross,
            duties=self.duties,
            exits=self.exits,
            outcomes=self.outcomes,
            looked_after=self.looked_after,
            child_population=self._children,
            subsistence_weight=self.subsistence_weight,
            baseline=self.baseline,
            baseline_people=self.baseline_people,
            quarter_before=self.quarter_before,
        )

    def _enter(self, month: int) -> None:
        """Take up a month's assumptions, in both forms."""
        self.now = self._policy[month]
        self.numbers = self._every[month : month + 1]
        self.councils.month = self.calendar[month]
        self.councils.under(self.now)

    def _caseload(self) -> Caseload:
        """What grants may look at."""
        councils, month = self.councils, self.calendar[max(self.month, 0)]
        return Caseload(
            month=month,
            nation=councils.nation,
            rural=councils.rural,
            people=self.households.occupied,
            baseline=self.baseline,
            baseline_people=self.baseline_people,
            quarter_before=self.quarter_before,
            beds_opened=councils.opened,
            first_proposals=councils.first_proposal,
            duties=self.duties,
            needed=self.needed,
            gross=self.gross,
        )

    # ------------------------------------------------------------------ phases

    def policy(self) -> None:
        """This month's assumptions; the grant baseline is taken when a financial year begins."""
        self._enter(self.month)
        self._local.apply(self.councils, self.councils.month)
        if self._days[self.month].month == 4:
            self.baseline_people[:] = self.households.occupied
            self.baseline[:] = self.baseline_people[:, : Accommodation.SUBSISTENCE].sum(axis=1)

    def arrive(self) -> None:
        """People claim; some enter support and wait for a place."""
        now, hh, m = self.now, self.households, self.month
        (people, cases), keys = self._claims(), self._keys.arrive
        shares = (
            now.intake.family_share, float(self._uptake[m]), now.intake.unaccompanied_share,
            now.support.subsistence_share, now.intake.school_age_share,
        )  # fmt: skip
        self.newly_supported, alone = hh.arrive(
            m, people, keys, shares, self._family_sizes, self._group_shares[m], self.subsistence_weight
        )
        hh.arrive_on_appeal(m, cases, keys, now.intake.family_share, self._family_sizes)
        leavers = children.look_after(self.looked_after, alone, self._children, self.numbers)
        self._record_claims(people, alone, leavers, cases)

    def _claims(self) -> tuple[int, int]:
        """People who claim this month, and appeal cases that no refusal explains."""
        others = self.now.appeals.unexplained_inflow
        more = self.draws.one("appeals residual", 0, self.month) < others - int(others)
        return int(self.intake[self.month]), int(others) + more

    def decide(self) -> None:
        """Initial decisions, within capacity."""
        now, hh, m = self.now, self.households, self.month
        queue = self.counts[0] + int(self.intake[m])
        capacity = home_office.decision_capacity(self.numbers, queue, float(self._capacity_noise[m, 0]))
        self.outcome_shares = households.outcome_shares(now, *self._usual_groups, float(self._grant_noise[m, 0]))
        lodged = hh.decide(
            m, self._keys.decide, queue, capacity, now.decisions.oldest_share,
            self.outcome_shares, households.exit_days(self.numbers),
            now.appeals.share_of_refused, now.support.retained_on_appeal, now.support.tail_entry,
            now.decisions.withdrawn_exit_days, self.outcomes,
        )  # fmt: skip
        self._record_decisions(lodged)

    def appeal(self) -> None:
        """Appeals, within their own capacity."""
        now, hh, m = self.now, self.households, self.month
        record = self.recorder
        queue = self.counts[1] + int(record["appeals_lodged_in_month"][m] + record["appeals_unexplained_in_month"][m])
        self.appeals_decided, allowed = hh.decide_appeals(
            m, self._keys.appeal, queue, int(now.appeals.capacity), now.appeals.oldest_share,
            now.appeals.allowed_share, households.exit_days(self.numbers), now.support.tail_entry,
        )  # fmt: skip
        self._record_appeals(allowed)

    def leave(self) -> None:
        """Support ends; some households are owed a homelessness duty, here or where they move."""
        now, hh, rows, m = self.now, self.households, self.councils.rows, self.month
        weights = council.destinations(rows, self.present[:, 0], self.numbers)
        owed = council.duty_shares(rows, self.numbers)
        council.count_housed(rows, hh.occupied)
        hh.leave(
            m, self._keys.leave, 1 / now.support.tail_stay, owed,
            now.move_on.drift_share, weights, self.exits, self.duties,
        )  # fmt: skip
        council.leave_empty(rows, hh.occupied)
        self.recorder["exits_in_month"][m] = self.exits

    def procure(self) -> None:
        """Providers hand back beds and propose new ones where they see a shortfall."""
        hh, councils, m = self.households, self.councils, self.month
        surplus, any_surplus = provider.hand_back(councils.rows, hh.occupied, self.numbers, self._keys.hand_back, m)
        if any_surplus:
            hh.displace(int(Accommodation.DISPERSAL), surplus, 0)
        councils.people = hh.occupied[:, Accommodation.DISPERSAL]
        chance = self.rules.entry_chance(councils, self.now)
        council.enter(councils.rows, chance, self._keys.entry, m)
        self._propose(m + _WARM_UP)
        provider.notice_proposals(councils.rows)

    def _propose(self, tick: int) -> None:
        """Providers' proposals of a month are sent to the councils; `tick` counts from the warm-up."""
        councils, now, rows, draws = self.councils, self.now, self.councils.rows, self.draws
        pull = self.rules.attraction(councils, now)
        share = provider.steered(rows, self._preference(), pull, len(councils.areas), self.numbers)
        need = provider.need(rows, self.households.occupied, self._supported(), self.supported_before[0], share)
        provider.first_homes(rows, self.numbers, self._keys.first_home, tick)
        beds, weight = provider.plan(councils, need, pull, now)
        for own in self.providers:
            own.propose(councils, beds, weight, self.rules.offers, now, draws, tick)
        consultation.send(rows, self.consulting, self.numbers, self._keys.lag, tick)

    def _supported(self) -> int:
        """People supported now, before this month's places."""
        return self.counts[2] + self.newly_supported - int(self.exits.sum())

    def consult(self) -> None:
        """Councils answer the proposals that have reached them."""
        self._answer(self.month + _WARM_UP)

    def _answer(self, tick: int) -> None:
        """Answers due in a month; the homes that go ahead are put into the pipeline."""
        rows, keys = self.councils.rows, self._keys.answer
        chance = self.rules.objection_chance(self.councils, self.now)
        consultation.answer(rows, self.consulting[tick], chance, self.numbers, keys, tick)
        consultation.schedule(rows, self.pipeline, tick)

    def open_beds(self) -> None:
        """Homes whose works and licences are done open, and some of those left empty are ready for new households."""
        due, key = self.pipeline[self.month + _WARM_UP], self._keys.ready
        consultation.open_homes(self.councils.rows, due, self._turnaround[self.month], key, self.month)

    def place(self) -> None:
        """People move into vacant dispersal beds, then into initial and other fixed accommodation."""
        hh, councils, m = self.households, self.councils, self.month
        vacancy = provider.vacancy(councils.rows, hh.occupied, self.numbers)
        count = hh.place(m, self._keys.place, councils, vacancy, self._preference())
        for key, kind in zip(self._keys.fixed, month.FIXED, strict=True):
            room = np.maximum(councils.fixed_beds[:, kind] - hh.occupied[:, kind], 0)
            count, _ = hh.fill(m, key, int(kind), room, count)
        self.without_place = count

    def hotels(self) -> None:
        """Whoever is left goes to a hotel: beds open in lumps when short, and close when they stand empty."""
        now, hh, councils, rows, m = self.now, self.households, self.councils, self.councils.rows, self.month
        hotel, key, count = int(Accommodation.CONTINGENCY_HOTEL), self._keys.hotel, self.without_place
        self.home_office.close_hotels(councils, hh.occupied[:, hotel], now, self.draws, m)
        surplus, any_surplus = home_office.surplus(rows, hh.occupied)
        if any_surplus:
            count = hh.displace(hotel, surplus, count)
        count, unplaced = hh.fill(m, key, hotel, home_office.room(rows, hh.occupied, False), count)
        while unplaced > 0:
            self.home_office.open_hotels(councils, unplaced, now, self.draws, m)
            count, unplaced = hh.fill(m, key, hotel, home_office.room(rows, hh.occupied, True), count)

    def serve(self) -> None:
        """Services meet what they can; temporary accommodation fills and empties."""
        rows, upper_tier = self.councils.rows, self.councils.upper_tier
        self._count(self.households.census(self.present))
        services.house(rows, self.duties, self.numbers)
        services.demand(rows, self.present, self.numbers, self.needed)
        services.recruit(rows, self.capacity, self.needed, self.least, self.numbers)
        services.press(rows, self.needed, self.capacity, upper_tier, self.numbers, self.pressure)
        level = self._levels[self.month, 2]
        costs.council(rows, self.needed, self.capacity, self.numbers, level, self.served, self.gross)

    def _count(self, counts: tuple[int, ...]) -> None:
        """Take up a census, and what follows from it for section 4."""
        entered = counts[4] - self.counts[4] + int(self.exits[3])
        self.counts = counts
        self.section_4 = section_4.next_stock(self.section_4, entered, counts[4], self.now)

    def fund(self) -> None:
        """Costs fall where they fall; grants are paid by rule."""
        self.grant = self.rules.grants(self._caseload(), self.now)
        if self._ends_quarter():
            self.quarter_before[:] = self.households.occupied
        paid = settle(self.councils.rows, self.grant, self.gross, 12)
        prices, contracts, _ = self._levels[self.month]
        nights = costs.person_nights(self.households.occupied, self._nights())
        people, pupils = (int(self.present[:, who].sum()) for who in (services.PEOPLE, services.CHILDREN))
        home = costs.home_office(nights, paid, self.numbers, prices, contracts)
        other = costs.other_public(pupils, people, self.appeals_decided, self.numbers, prices)
        self._record_money(prices, nights, home, other)

    def _ends_quarter(self) -> bool:
        """Whether the month is the last of its quarter."""
        return self._days[self.month].month % 3 == 0

    def _nights(self) -> int:
        """Nights of the month."""
        day = self._days[self.month]
        return monthrange(day.year, day.month)[1]

    def respond(self) -> None:
        """Willingness and participation follow experience."""
        self.supported_before = [*self.supported_before[1:], self.counts[2]]
        council.respond(self.councils.rows, self.numbers, self.households.occupied)

    def record(self) -> None:
        """What the month brought, and stocks at its end."""
        kept, rows = self.recorder.kept, self.councils.rows
        keep_flows(kept, rows, self.duties, self.served, self.gross, self.grant, self.month)
        self._record_stocks(self.month + 1)

    # ------------------------------------------------------------------ small parts

    def _record_claims(self, people: int, alone: int, leavers: float, cases: int) -> None:
        record, m = self.recorder, self.month
        record["claims_in_month"][m] = people
        record["newly_supported_in_month"][m] = self.newly_supported
        record["unaccompanied_children_in_month"][m] = alone
        record["care_leavers_in_month"][m] = leavers
        record["appeals_unexplained_in_month"][m] = cases

    def _record_decisions(self, lodged: int) -> None:
        self.recorder["decisions_in_month"][self.month] = self.outcomes
        self.recorder["appeals_lodged_in_month"][self.month] = lodged

    def _record_appeals(self, allowed: int) -> None:
        self.recorder["appeals_decided_in_month"][self.month] = self.appeals_decided
        self.recorder["appeals_allowed_in_month"][self.month] = allowed

    def _record_money(self, prices: float, nights: np.ndarray, home: np.ndarray, other: np.ndarray) -> None:
        record, m = self.recorder, self.month
        record["person_nights_in_month"][m] = nights
        record["home_office_cost_in_month"][m] = home
        record["other_public_cost_in_month"][m] = other
        record["price_level"][m] = prices

    def _record_stocks(self, index: int) -> None:
        keep_stocks(self.recorder.kept, self.councils.rows, self.households.occupied, self.pressure, index)
        self._record_nation(index)

    def _record_nation(self, index: int) -> None:
        record = self.recorder
        record["awaiting_at_month_end"][index] = self.counts[0]
        record["open_appeals_at_month_end"][index] = self.counts[1]
        record["section_4_at_month_end"][index] = self.section_4
        record["children_looked_after_at_month_end"][index] = self.looked_after.sum()
        full = children.full(self.looked_after, self._children, self.numbers)
        record["authorities_at_transfer_threshold_at_month_end"][index] = full

    def _preference(self) -> np.ndarray:
        """Weight of each council (council,) by the allocation rule in force."""
        rule = self.rules.allocation or RULES[self.now.placement.rule]
        return rule(self.councils, self.now) * self.councils.local_weight


def _by_type(people: np.ndarray, stock: np.ndarray) -> np.ndarray:
    """Accommodated people by type, (council, 6), where only their number is known: in the mix of another stock."""
    housed = stock[:, : Accommodation.SUBSISTENCE]
    mix = housed / np.maximum(housed.sum(axis=1), 1)[:, None]
    return np.asarray(np.pad(people[:, None] * mix, ((0, 0), (0, stock.shape[1] - mix.shape[1]))))
