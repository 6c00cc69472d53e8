"""The month, as data: Mesa actors round columns of households."""

from __future__ import annotations

import math
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Any

import mesa
import numpy as np
from mesa.experimental.scenarios import Scenario
from mesa.time import Schedule
from scipy.special import gammaincinv

from params import Assumptions
from sim import children, costs, equity, households, section_4, services
from sim.allocation import RULES as ALLOCATION
from sim.clock import months_after
from sim.consultation import LONGEST_LAG, answers, lags
from sim.council import NATIONS, Council, Councils, destinations, respond
from sim.funding import Caseload
from sim.home_office import HomeOffice
from sim.households import Households
from sim.intelligence import Intelligence, hold
from sim.noise import Drift
from sim.provider import Provider, first_homes, hand_back, plan
from sim.randomness import Draws
from sim.recorder import Recorder
from sim.rules import Rules
from sim.states import Accommodation, Barrier, Outcome, Participation

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
    """One replication. `run_for(1)` is one month, the phases of `PHASES` in order."""

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
        self.rules = rules
        self.start = start
        self.intake = intake if intake.ndim == 1 else intake.sum(axis=1)
        self.councils = councils
        self.calendar = months_after(start.day, self.intake.size)
        councils.month = self.calendar[0]
        self._days = [month.astype("datetime64[D]").item() for month in self.calendar]
        self._policy = assumptions.by_month(self._days)
        self.now = self._policy[0]
        self.month = -1
        self._local = Intelligence(assumptions.local.rules, councils)
        known = assumptions.local.populations.columns if assumptions.local.populations else {}
        if "population_2001" in known:
            councils.population_2001 = np.array(known["population_2001"])
        self._child_population = np.array(known.get("child_population", ()))
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
        for tick in range(_WARM_UP):
            self._propose(tick)
            self._answer(tick)
            self.coming -= self.pipeline[tick]  # these opened before the start
        self.recorder = Recorder(start.day, self.intake.size, councils.count)
        self._record_stocks(0)
        self.schedule_recurring(self.run_month, Schedule(interval=1.0, start=1.0))

    def run_month(self) -> None:
        """One month: every phase once, in the declared order."""
        self.month += 1
        for phase in PHASES:
            getattr(self, phase)()

    # ------------------------------------------------------------------ set-up

    def _start_councils(self) -> None:
        """What no table holds: frailty (the same in every arm), willingness, and hotel beds that stand empty."""
        councils, now = self.councils, self.now
        shape = now.procurement.frailty_shape
        councils.frailty = gammaincinv(shape, self.draws.each("frailty", councils.count, 0)) / shape
        councils.willingness[:] = now.response.start_willingness
        gained = self.start.stock[:, : Accommodation.SUBSISTENCE].sum(axis=1) - self.start.baseline
        gained = gained / councils.population
        councils.fair_weight = equity.weighed(councils.population, councils.factors, now, gained)
        councils.hotel_beds = np.ceil(councils.hotel_beds / now.hotels.used_share).astype(np.int64)
        # Who entered support and did not add to it replaced somebody, whose bed stands empty for a while.
        flows = self.start.national
        left = max(flows["claims_a_month"] * now.support.uptake - flows["growth_a_month"], 0.0)
        voids = councils.beds * left / max(int(self.start.stock.sum()), 1) * now.procurement.turnaround
        councils.voids = _whole(voids, self.draws.each("voids at start", councils.count, 0))
        councils.beds = councils.beds + councils.voids

    def _start_flows(self) -> None:
        councils = self.councils
        horizon = _WARM_UP + self.intake.size + 3 * LONGEST_LAG
        self.consulting = np.zeros((horizon, councils.count), np.int64)
        self.pipeline = np.zeros((horizon, councils.count), np.int64)
        self.coming = np.zeros(councils.count, np.int64)  # beds in either
        self._every = np.arange(councils.count)
        self.proposed_ever = councils.beds > 0
        self.first_proposals = np.zeros(councils.count)
        self.supported_before = [int(self.start.stock.sum())] * 3  # three months ago, two, one
        self.baseline = self.start.baseline.astype(float)
        self.baseline_people = _by_type(self.baseline, self.start.stock)
        self.quarter_before = self.start.stock.copy()
        self.subsistence_weight = self.start.stock[:, Accommodation.SUBSISTENCE].astype(float)
        self._grants, self._entries = Drift("grant odds"), Drift("support uptake")
        self._relets = Drift("turnaround", len(councils.areas))
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
        self.surprised = np.zeros(councils.count)
        self.entered = np.zeros(councils.count, bool)
        self.nation_row = np.array([NATIONS.index(nation) for nation in councils.nation])

    def _start_services(self) -> None:
        """Capacity, temporary accommodation and the grant position consistent with the first month."""
        now, hh, councils = self.now, self.households, self.councils
        self.counts = hh.census(self.present)
        supported = self.present[:, 0]
        leaving = self.start.national["granted_a_month"] * now.support.granted_supported
        leaving /= max(self.counts[2] / max(self.counts[3], 1), 1.0)
        moved, there = now.move_on.drift_share, supported / max(int(supported.sum()), 1)
        monthly = leaving * ((1 - moved) * there + moved * self._destinations(supported))
        housed = self._by_nation("duty share", now.move_on.duty_share)
        housed = housed * self._by_nation("temporary share", now.services.temporary_share)
        self.temporary = monthly * housed * self._by_nation("temporary stay", now.services.temporary_stay)
        self.needed = services.demand(self.present, self.temporary, now)
        self.least = services.floor(self.needed, self.counts[2], now)
        self.capacity = np.maximum(self.needed / now.services.start_pressure, self.least)
        self._feel_pressure()
        served = costs.served(self.needed, self.capacity, now)
        gross = costs.council_gross(served, councils.participation, councils.rural, self.calendar[0], now)
        load = self._caseload(gross)
        councils.funded = _share(self.rules.grants(load, now), load.gross_cost)

    def _feel_pressure(self) -> None:
        """Pressure by line, and over all lines; children's lines are those of the upper tier."""
        self.pressure = services.pressure(self.needed, self.capacity, self.councils.upper_tier)
        self.councils.pressure = services.overall_pressure(self.pressure, self.needed, self.now)

    def _by_nation(self, name: str, shares: Any) -> np.ndarray:
        """An assumption that each nation's law sets apart, (council,)."""
        return np.asarray(self.councils.steady(name, _by_nation, shares, self.nation_row))

    def _destinations(self, supported: np.ndarray) -> np.ndarray:
        """Where households that move after a grant go, (council,) shares."""
        scottish = self.nation_row == NATIONS.index("Scotland")
        return destinations(self.councils.population, supported, scottish, self.now)

    def _caseload(self, gross: np.ndarray) -> Caseload:
        month = max(self.month, 0)
        none = np.zeros(self.councils.count)
        return Caseload(
            month=self.calendar[month],
            nation=self.councils.nation,
            rural=self.councils.rural,
            people=self.households.occupied,
            baseline=self.baseline,
            baseline_people=self.baseline_people,
            quarter_before=self.quarter_before,
            beds_opened=self.recorder["beds_opened_in_month"][month] if self.month >= 0 else none,
            first_proposals=self.first_proposals,
            duties=self.duties,
            needed=self.needed,
            gross=gross,
        )

    # ------------------------------------------------------------------ phases

    def policy(self) -> None:
        """This month's assumptions; the grant baseline is taken when a financial year begins."""
        self.now = self._policy[self.month]
        self.councils.month = self.calendar[self.month]
        self._local.apply(self.councils, self.councils.month)
        if self._days[self.month].month == 4:
            self.baseline_people = self.households.occupied.copy()
            self.baseline = self.baseline_people[:, : Accommodation.SUBSISTENCE].sum(axis=1).astype(float)

    def arrive(self) -> None:
        """People claim; some enter support and wait for a place."""
        now, hh, record, m = self.now, self.households, self.recorder, self.month
        people = int(self.intake[m])
        others = now.appeals.unexplained_inflow
        cases = int(others) + (self.draws.one("appeals residual", 0, m) < others - int(others))
        keys = self.draws.keys(("size", "uptake", "group", "children", "subsistence", "subsistence place"))
        drift = float(self._entries.step(now.support.uptake_persistence, now.support.uptake_sd, self.draws, m)[0])
        shares = (
            now.intake.family_share, min(now.support.uptake * math.exp(drift - self._entries.variance / 2), 1.0),
            now.intake.unaccompanied_share, now.support.subsistence_share, now.intake.school_age_share,
        )  # fmt: skip
        supported, alone = hh.arrive(
            m, people, keys, shares, self._family_sizes, self._group_shares[m], self.subsistence_weight
        )
        hh.arrive_on_appeal(m, cases, keys, now.intake.family_share, self._family_sizes)
        record["claims_in_month"][m] = people
        self.newly_supported = supported
        leaving = children.grow_up(self.looked_after, now)
        self.looked_after = children.transfer(self.looked_after - leaving, alone, self._children, now)
        record["care_leavers_in_month"][m] = leaving.sum()
        record["newly_supported_in_month"][m] = supported
        record["unaccompanied_children_in_month"][m] = alone
        record["appeals_unexplained_in_month"][m] = cases

    def decide(self) -> None:
        """Initial decisions, within capacity."""
        now, hh, m = self.now, self.households, self.month
        queue = self.counts[0] + int(self.intake[m])
        capacity = self.home_office.decision_capacity(now, queue, self.draws, m)
        drift = float(self._grants.step(now.decisions.grant_persistence, now.decisions.grant_odds_sd, self.draws, m)[0])
        keys = self.draws.keys(("decide", "outcome", "exit", "appeal", "retained", "tail entry"))
        self.outcome_shares = households.outcome_shares(now, *self._usual_groups, drift)
        lodged = hh.decide(
            m, keys, queue, capacity, now.decisions.oldest_share,
            self.outcome_shares, self._exit_days(),
            now.appeals.share_of_refused, now.support.retained_on_appeal, now.support.tail_entry,
            now.decisions.withdrawn_exit_days, self.outcomes,
        )  # fmt: skip
        self.recorder["decisions_in_month"][m] = self.outcomes
        self.recorder["appeals_lodged_in_month"][m] = lodged

    def appeal(self) -> None:
        """Appeals, within their own capacity."""
        now, hh, m = self.now, self.households, self.month
        keys = self.draws.keys(("appeal order", "appeal outcome", "exit", "tail entry"))
        record = self.recorder
        queue = self.counts[1] + int(record["appeals_lodged_in_month"][m] + record["appeals_unexplained_in_month"][m])
        self.appeals_decided, allowed = hh.decide_appeals(
            m, keys, queue, int(now.appeals.capacity), now.appeals.oldest_share,
            now.appeals.allowed_share, self._exit_days(), now.support.tail_entry,
        )  # fmt: skip
        record["appeals_decided_in_month"][m] = self.appeals_decided
        record["appeals_allowed_in_month"][m] = allowed

    def leave(self) -> None:
        """Support ends; some households are owed a homelessness duty, here or where they move."""
        now, hh, councils, m = self.now, self.households, self.councils, self.month
        supported = self.present[:, 0]
        housed = hh.occupied[:, Accommodation.DISPERSAL].copy()
        hh.leave(
            m, self.draws.keys(("tail exit", "duty", "drift", "destination")), 1 / now.support.tail_stay,
            self._by_nation("duty share", now.move_on.duty_share), now.move_on.drift_share,
            self._destinations(supported), self.exits, self.duties,
        )  # fmt: skip
        councils.voids += housed - hh.occupied[:, Accommodation.DISPERSAL]
        self.recorder["exits_in_month"][m] = self.exits
        self.recorder["homelessness_duties_in_month"][m] = self.duties

    def procure(self) -> None:
        """Providers hand back beds and propose new ones where they see a shortfall."""
        now, hh, councils, m = self.now, self.households, self.councils, self.month
        lost = hand_back(councils, now, self.draws.each("hand back", councils.count, m))
        councils.beds -= lost
        councils.voids -= np.minimum(lost, councils.voids)  # homes that stand empty go first
        surplus = hh.occupied[:, Accommodation.DISPERSAL] + councils.voids - councils.beds
        if (surplus > 0).any():
            hh.displace(int(Accommodation.DISPERSAL), surplus, 0)
        self.recorder["beds_handed_back_in_month"][m] = lost

        councils.people = hh.occupied[:, Accommodation.DISPERSAL]
        entry = self.rules.entry_chance(councils, now)
        outside = councils.participation == Participation.NOT_PARTICIPATING
        self.entered = outside & (self.draws.each("entry", councils.count, m) < entry)
        councils.participation[self.entered] = Participation.AGREED_NO_PROCUREMENT
        hold(councils)

        proposed = self._propose(m + _WARM_UP)
        agreed = (councils.participation == Participation.AGREED_NO_PROCUREMENT) & (proposed > 0)
        councils.participation[agreed] = Participation.PROCURING
        self.first_proposals = ((proposed > 0) & ~self.proposed_ever).astype(float)
        self.proposed_ever |= proposed > 0
        self.recorder["beds_proposed_in_month"][m] = proposed

    def _propose(self, tick: int) -> np.ndarray:
        """Providers' proposals of a month, (council,) beds, sent to the councils; `tick` counts from the warm-up."""
        councils, now = self.councils, self.now
        steer = self._preference() ** now.placement.steering
        pull = self.rules.attraction(councils, now) * steer
        need = self._need(councils.population * steer)
        proposed = first_homes(
            councils, now, self.draws.each("first home", councils.count, tick),
            self.draws.each("first home size", councils.count, tick),
        )  # fmt: skip
        beds, weight = plan(councils, need, pull, now)
        for provider in self.providers:
            proposed += provider.propose(councils, beds, weight, self.rules.offers, now, self.draws, tick)
        keys = self.draws.keys(("consultation lag", "consultation lag rounding"))
        answer = tick + lags(float(now.consultation.lag), councils.count, keys, tick)
        self.consulting[answer, self._every] += proposed
        self.coming += proposed
        return proposed

    def _need(self, weight: np.ndarray) -> np.ndarray:
        """Beds wanted in each area beyond replacing hand-backs: people in hotels, recent growth, less the pipeline.

        Args:
            weight: (council,) what the national need is shared by.
        """
        occupied = self.households.occupied
        supported = self.counts[2] + self.newly_supported - int(self.exits.sum())
        growth = max(supported - self.supported_before[0], 0)
        vacant = int((self.councils.beds - self.councils.voids - occupied[:, Accommodation.DISPERSAL]).sum())
        hotels = int(occupied[:, Accommodation.CONTINGENCY_HOTEL].sum())
        waiting = supported - int(occupied.sum())
        national = hotels + waiting + growth - max(vacant, 0) - int(self.coming.sum())
        by_area = np.bincount(self.councils.area, weight, len(self.councils.areas))
        return national * by_area / by_area.sum()

    def consult(self) -> None:
        """Councils answer the proposals that have reached them."""
        record, m = self.recorder, self.month
        self.answers = self._answer(m + _WARM_UP)
        beds, objects, dropped, reasons = self.answers
        record["beds_objected_in_month"][m] = np.where(objects, beds, 0)
        record["beds_dropped_in_month"][m] = np.where(dropped, beds, 0)
        record["objections_in_month"][m] = np.bincount(reasons[objects], beds[objects], len(Barrier))

    def _answer(self, tick: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Answers due in a month, and the homes that go ahead put into the pipeline.

        Returns:
            By council: beds answered, whether it objects, whether the beds are dropped, the reason's code.
        """
        now, councils = self.now, self.councils
        beds = self.consulting[tick]
        chance = self.rules.objection_chance(councils, now)
        objects, dropped, reasons, kept, lag = answers(beds, chance, councils, now, self.draws, tick)
        self.pipeline[tick + lag, self._every] += kept
        self.coming += kept - beds
        return beds, objects, dropped, reasons

    def open_beds(self) -> None:
        """Homes whose works and licences are done open, and some of those left empty are ready for new households."""
        councils, now = self.councils, self.now
        persistence, spread = now.procurement.turnaround_persistence, now.procurement.turnaround_sd
        drift = self._relets.step(persistence, spread, self.draws, self.month)
        pace = np.exp(drift - self._relets.variance / 2)
        ready = councils.voids / (1 + now.procurement.turnaround * pace[councils.area])
        councils.voids -= _whole(ready, self.draws.each("ready again", councils.count, self.month))
        opened = self.pipeline[self.month + _WARM_UP]
        councils.beds += opened
        self.coming -= opened
        self.recorder["beds_opened_in_month"][self.month] = opened

    def place(self) -> None:
        """People move into vacant dispersal beds, then into initial and other fixed accommodation."""
        now, hh, councils, m = self.now, self.households, self.councils, self.month
        here = hh.occupied[:, Accommodation.DISPERSAL]
        vacancy = councils.beds - councils.voids - here
        most = councils.limit(now) if now.placement.cluster_hard else councils.maximum
        vacancy = np.minimum(vacancy, most - here)
        too_few = councils.rural & (councils.beds < now.placement.minimum_cluster) & (here == 0)
        vacancy = np.where(too_few, 0, np.maximum(vacancy, 0)).astype(float)
        count = hh.place(m, self.draws.key("place"), councils, vacancy, self._preference())
        for kind in (Accommodation.INITIAL, Accommodation.CONTINGENCY_OTHER, Accommodation.OTHER):
            room = np.maximum(councils.fixed_beds[:, kind] - hh.occupied[:, kind], 0)
            count, _ = hh.fill(m, self.draws.key(f"place {kind.name}"), int(kind), room, count)
        self.without_place = count

    def hotels(self) -> None:
        """Whoever is left goes to a hotel: beds open in lumps when short, and close when they stand empty."""
        now, hh, councils, m = self.now, self.households, self.councils, self.month
        hotel = int(Accommodation.CONTINGENCY_HOTEL)
        key = self.draws.key("place hotel")
        count = self.without_place
        closed = self.home_office.close_hotels(councils, hh.occupied[:, hotel], now, self.draws, m)
        councils.hotel_beds -= closed
        surplus = hh.occupied[:, hotel] - councils.hotel_beds
        if (surplus > 0).any():
            count = hh.displace(hotel, surplus, count)
        # A hotel under an exit plan takes nobody new.
        room = np.where(councils.closing > 0, 0, np.maximum(councils.hotel_beds - hh.occupied[:, hotel], 0))
        count, unplaced = hh.fill(m, key, hotel, room, count)
        opened = np.zeros(councils.count, np.int64)
        self.surprised = np.zeros(councils.count)
        while unplaced > 0:
            more, unannounced = self.home_office.open_hotels(councils, unplaced, now, self.draws, m)
            opened += more
            self.surprised = np.maximum(self.surprised, unannounced)
            councils.hotel_beds += more
            councils.closing[more > 0] = 0  # whoever needs beds again ends the plan
            room = np.maximum(councils.hotel_beds - hh.occupied[:, hotel], 0)
            count, unplaced = hh.fill(m, key, hotel, room, count)
        self.recorder["hotel_beds_opened_in_month"][m] = opened
        self.recorder["hotel_beds_closed_in_month"][m] = closed

    def serve(self) -> None:
        """Services meet what they can; temporary accommodation fills and empties."""
        now, hh = self.now, self.households
        refused = self.counts[4]
        self.counts = hh.census(self.present)
        entered = self.counts[4] - refused + int(self.exits[3])
        self.section_4 = section_4.next_stock(self.section_4, entered, self.counts[4], now)
        stay = np.maximum(self._by_nation("temporary stay", now.services.temporary_stay), 1.0)
        begun = self.duties * self._by_nation("temporary share", now.services.temporary_share)
        self.temporary += begun - self.temporary / stay
        self.needed = services.demand(self.present, self.temporary, now)
        self.capacity = services.next_capacity(
            self.capacity, self.needed, self.councils.funded, self.least, self.councils.rural, now
        )
        self._feel_pressure()

    def fund(self) -> None:
        """Costs fall where they fall; grants are paid by rule."""
        now, m, record = self.now, self.month, self.recorder
        month, day = self.calendar[m], self._days[m]
        served = costs.served(self.needed, self.capacity, now)
        gross = costs.council_gross(served, self.councils.participation, self.councils.rural, month, now)
        load = self._caseload(gross)
        grant = self.rules.grants(load, now)
        if day.month % 3 == 0:
            self.quarter_before = self.households.occupied.copy()
        self.councils.funded += (_share(grant, load.gross_cost) - self.councils.funded) / 12
        nights = costs.person_nights(self.households.occupied.sum(axis=0), monthrange(day.year, day.month)[1])
        record["person_nights_in_month"][m] = nights
        record["service_units_in_month"][m] = served
        record["council_gross_cost_in_month"][m] = gross
        record["grant_in_month"][m] = grant
        record["home_office_cost_in_month"][m] = costs.home_office(nights, float(grant.sum()), month, now)
        record["other_public_cost_in_month"][m] = costs.other_public(
            float(self.present[:, 1].sum()), float(self.present[:, 0].sum()), self.appeals_decided, month, now
        )
        record["price_level"][m] = costs.price_level(month, now)

    def respond(self) -> None:
        """Willingness and participation follow experience."""
        self.councils.people = self.households.occupied[:, Accommodation.DISPERSAL]
        self.supported_before = [*self.supported_before[1:], self.counts[2]]
        respond(self.councils, self.now, self.surprised)
        hold(self.councils)

    def record(self) -> None:
        """Stocks at the month's end."""
        self._record_stocks(self.month + 1)

    # ------------------------------------------------------------------ small parts

    def _record_stocks(self, index: int) -> None:
        record, councils = self.recorder, self.councils
        record["supported_at_month_end"][index] = self.households.occupied[:, : Accommodation.UNPLACED]
        record["beds_at_month_end"][index] = councils.beds
        record["voids_at_month_end"][index] = councils.voids
        record["hotel_beds_at_month_end"][index] = councils.hotel_beds
        record["pipeline_beds_at_month_end"][index] = self.coming
        record["awaiting_at_month_end"][index] = self.counts[0]
        record["open_appeals_at_month_end"][index] = self.counts[1]
        record["section_4_at_month_end"][index] = self.section_4
        record["participation_at_month_end"][index] = councils.participation
        record["willingness_at_month_end"][index] = councils.willingness
        record["service_pressure_at_month_end"][index] = self.pressure
        record["temporary_accommodation_at_month_end"][index] = self.temporary
        record["children_looked_after_at_month_end"][index] = self.looked_after.sum()
        full = self.looked_after >= 0.999 * children.threshold(self._children, self.now)
        record["authorities_at_transfer_threshold_at_month_end"][index] = full.sum()

    def _preference(self) -> np.ndarray:
        """Weight of each council (council,) by the allocation rule in force."""
        rule = self.rules.allocation or ALLOCATION[self.now.placement.rule]
        return rule(self.councils, self.now) * self.councils.local_weight

    def _exit_days(self) -> np.ndarray:
        """Days from a grant to the end of support, for a person alone and for a family."""
        notice = np.array([self.now.decisions.notice_days, self.now.decisions.notice_days_families])
        return notice + self.now.decisions.exit_lag_days


def _whole(number: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Whole numbers with the given means, by one uniform each."""
    floor = np.floor(number)
    return np.asarray(floor + (draw < number - floor), np.int64)


def _by_nation(shares: Any, nation_row: np.ndarray) -> np.ndarray:
    """An assumption by nation, for each council."""
    return np.array([getattr(shares, n.lower().replace(" ", "_")) for n in NATIONS])[nation_row]


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.ones(whole.size), where=whole > 0)


def _by_type(people: np.ndarray, stock: np.ndarray) -> np.ndarray:
    """Accommodated people by type, (council, 6), where only their number is known: in the mix of another stock."""
    housed = stock[:, : Accommodation.SUBSISTENCE]
    mix = housed / np.maximum(housed.sum(axis=1), 1)[:, None]
    return np.asarray(np.pad(people[:, None] * mix, ((0, 0), (0, stock.shape[1] - mix.shape[1]))))
