"""A second hand for satisfaction: the text of the specification in plain Python, one loop a sentence, no engine.

Slow and long-winded on purpose. It shares nothing with the product but the table of verdicts, which has tests of
its own.
"""

import math
import statistics
from collections import defaultdict
from datetime import timedelta

from comity.core.readings.verdict import Change, Part, Verdict, cause, judge
from comity.core.values import Period


def student_quantile(share, freedom):
    """Of Student's t, as SciPy has it."""
    from scipy import stats

    return stats.t.ppf(share, freedom)


def last_month(day, starts_on):
    """The calendar month by which the records name the (contract) month of a day."""
    if day.day >= starts_on:
        return day.replace(day=1)
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


class Witness:
    """The readings of one comparison, by variant, from rows as dictionaries."""

    def __init__(self, tables, period: Period, reference: Period, month_starts_on=1):
        self.tables = tables
        self.p = (reference, period)
        self.starts_on = month_starts_on
        self.accounts = {row["account_id"]: row for row in tables.get("accounts", [])}

    def readings(self):
        by = defaultdict(list)
        for row in self.tables["surveys"]:
            if row["audience"] != "customer":
                continue
            low, high = min(row["scale_min"], row["scale_max"]), max(row["scale_min"], row["scale_max"])
            x = row["score"]
            if x is not None and row["scale_min"] > row["scale_max"]:
                x = low + high - x
            if x is not None and row["instrument"] == "nps" and (low, high) == (0, 10):
                x = 100 if x >= 9 else -100 if x <= 6 else 0
            width = 200 if row["instrument"] == "nps" and (low, high) == (0, 10) else high - low
            name = f"{row['instrument']} {low:g}-{high:g}" + (f" {row['conducted_by']}" if row["conducted_by"] else "")
            account = row["account_id"] if row["account_id"] is not None else row["respondent_id"]
            answered = row["answered_on"] if x is not None else None
            by[name, width].append({**row, "x": x, "account": account, "answered": answered})
        found = {}
        for (name, width), rows in sorted(by.items()):
            reading = self.reading(rows, width)
            if reading is not None:
                found[name] = reading
        return found

    def reading(self, rows, width):
        answers = [[r for r in rows if r["answered"] is not None and r["answered"] in p] for p in self.p]
        if not answers[0] or not answers[1]:
            return None
        y, account, last = [{}, {}], [{}, {}], [{}, {}]
        for at in (0, 1):
            for who in {r["respondent_id"] for r in answers[at]}:
                own = sorted(
                    (r for r in answers[at] if r["respondent_id"] == who),
                    key=lambda r: (r["answered"], r["response_id"]),
                )
                y[at][who] = math.fsum(r["x"] for r in own) / len(own)
                account[at][who] = own[-1]["account"]
                last[at][who] = own[-1]["x"]
        r0, r1 = set(y[0]), set(y[1])
        if len(r0) < 5 or len(r1) < 5:
            return None
        both = r0 & r1
        sets = self.sets(rows, r0, r1, both, account)
        x0, x1 = (math.fsum(r["x"] for r in answers[at]) / len(answers[at]) for at in (0, 1))
        told = {"n": x1 - x0, "before": x0, "after": x1, "material": 0.02 * width, "sets": sets, "last": last}
        if len(both) * 10 < len(r1):
            return {**told, **self.touch(answers, account, x0, x1, told["material"])}
        return {**told, **self.people(answers, y, account, sets, x0, x1, told["material"])}

    # Sets --------------------------------------------------------------------------------------------------

    def sets(self, rows, r0, r1, both, account):
        _reference, period = self.p
        invited = {r["respondent_id"] for r in rows if r["asked_on"] is not None and r["asked_on"] in period}
        unanswered = any(
            r["asked_on"] is not None
            and r["asked_on"] in period
            and (r["answered"] is None or r["answered"] >= period.end)
            for r in rows
        )
        sets = {name: set() for name in ("left", "silent", "unasked", "new", "back")}
        for who in r0 - both:
            if self.left(account[0][who]):
                sets["left"].add(who)
            elif unanswered and who not in invited:
                sets["unasked"].add(who)
            else:
                sets["silent"].add(who)
        for who in r1 - both:
            sets["new" if self.new(account[1][who]) else "back"].add(who)
        return {"stayed": both, **sets}

    def left(self, account):
        reference, period = self.p
        left_on = self.accounts.get(account, {}).get("left_on")
        if left_on is not None:
            return left_on < period.end
        lines = self.tables.get("invoices", [])
        ends = [last_month(p.end - timedelta(days=1), self.starts_on) for p in (reference, period)]
        if any(all(line["month"] != end for line in lines) for end in ends):
            return False  # that month was never delivered

        def billed(month):
            return any(
                line["account_id"] == account
                and line["month"] == month
                and line["kind"] in {None, "service"}
                and (line["amount"] if line["amount"] is not None else line["quantity"] * line["unit_price"]) > 0
                for line in lines
            )

        return billed(ends[0]) and not billed(ends[1])

    def new(self, account):
        reference, _period = self.p
        joined = self.accounts.get(account, {}).get("joined_on")
        if joined is not None:
            return joined >= reference.end
        own = [
            line
            for line in self.tables.get("invoices", [])
            if line["account_id"] == account and line["kind"] in {None, "service"}
        ]
        if not own or any(line["month"].replace(day=self.starts_on) < reference.end for line in own):
            return False
        for r in self.tables["surveys"]:
            speaks = r["account_id"] if r["account_id"] is not None else r["respondent_id"]
            if r["audience"] != "customer" or speaks != account or r["score"] is None or r["answered_on"] is None:
                continue
            if r["answered_on"] < reference.end:
                return False
        return not any(
            c["account_id"] == account and c["opened_on"] < reference.end for c in self.tables.get("contacts", [])
        )

    # Both designs ------------------------------------------------------------------------------------------

    def people(self, answers, y, account, sets, x0, x1, material):  # noqa: C901 - reads like the specification
        both, r0, r1 = sets["stayed"], set(y[0]), set(y[1])

        def mean(at, of):
            return math.fsum(y[at][who] for who in of) / len(of) if of else 0.0

        n, h = x1 - x0, mean(1, both) - mean(0, both)
        parts = {"within": h}
        for part, of in (("survivorship", "left"), ("silence", "silent"), ("unasked", "unasked")):
            own = sets[of]
            parts[part] = len(own) / len(r0) * (mean(0, both) - mean(0, own)) if own else 0.0
        for part, of in (("arrival", "new"), ("return", "back")):
            own = sets[of]
            parts[part] = len(own) / len(r1) * (mean(1, own) - mean(1, both)) if own else 0.0
        parts["repeats"] = n - (mean(1, r1) - mean(0, r0))
        big_n, big_h = defaultdict(float), defaultdict(float)
        for r in answers[1]:
            big_n[account[1][r["respondent_id"]]] += (r["x"] - x1) / len(answers[1])
        for r in answers[0]:
            big_n[account[0][r["respondent_id"]]] -= (r["x"] - x0) / len(answers[0])
        for who in both:
            big_h[account[1][who]] += (y[1][who] - y[0][who] - h) / len(both)

        def se(contributions):
            units = len(contributions)
            return math.sqrt(units / (units - 1) * math.fsum(c * c for c in contributions)) if units > 1 else None

        errors = [
            se(list(big_n.values())),
            se(list(big_h.values())),
            se([big_n[u] - big_h.get(u, 0.0) for u in big_n]),
        ]
        errors = [0.0 if e is not None and e < 1e-9 else e for e in errors]
        only_headline = {"se": (errors[0], None, None), "h": None, "parts": {}, "verdict": "unclear", "counts": {}}
        if 0 < len(both) < 5:
            return only_headline | {"cause": None, "z": None, "would_be": None}
        units = len(big_h)
        z = student_quantile(0.975, units - 1) if units >= 10 else None

        def table(value):
            return judge(
                Change(n, errors[0]),
                Change(value, errors[1]),
                Change(n - value, errors[2]),
                material=material,
                z=z,
                sampled=True,
            )

        shown, counts = self.shown(parts, {name: len(of) for name, of in sets.items()})
        verdict = table(h)
        why = cause(verdict, n - h, [Part(name, value, name == "within") for name, value in shown.items()])
        rule = None
        if verdict is not Verdict.UNCLEAR:
            if self.tips(sets, y, h, material, verdict, len(r0)):
                rule = "survivorship"
            elif len(sets["unasked"]) > len(r0) / 10 and table(self.weighted(y, both)) is not verdict:
                rule = "unasked"
        return {
            "h": h,
            "se": tuple(errors),
            "z": z,
            "parts": shown,
            "counts": counts,
            "verdict": "unclear" if rule else verdict.value,
            "would_be": verdict.value if rule else None,
            "cause": rule or why,
        }

    @staticmethod
    def shown(parts, sizes):
        shown, counts = {"within": parts["within"]}, {"stayed": sizes["stayed"]}
        for names, of in (
            (("survivorship", "silence", "unasked"), ("left", "silent", "unasked")),
            (("arrival", "return"), ("new", "back")),
        ):
            if any(1 <= sizes[o] <= 4 for o in of):
                if sum(sizes[o] for o in of) < 5:
                    return {}, {}
                shown["+".join(names)] = sum(parts[name] for name in names)
                counts["+".join(names)] = sum(sizes[o] for o in of)
            else:
                shown |= {name: parts[name] for name in names}
                counts |= {o: sizes[o] for o in of}
        shown["repeats"] = parts["repeats"]
        return shown, counts

    @staticmethod
    def tips(sets, y, h, material, verdict, n0):
        stayed, left = len(sets["stayed"]), len(sets["left"])
        if not left or not (verdict is Verdict.STEADY or (verdict is Verdict.GENUINE and h > 0)):
            return False
        t = -(stayed * h + material * (stayed + left)) / left
        return t > -1.5 * statistics.stdev(y[1][w] - y[0][w] for w in sets["stayed"]) or left > n0 / 4

    @staticmethod
    def weighted(y, both):
        n0 = len(y[0])
        group = {}
        for who, score in y[0].items():
            below = sum(other < score - 1e-9 for other in y[0].values())
            same = sum(abs(other - score) <= 1e-9 for other in y[0].values())
            twice = 2 * below + same + 1  # twice the midrank
            group[who] = -(-5 * twice // (2 * (n0 + 1)))
        with_stayed = sorted({group[who] for who in both})
        total = 0.0
        for g in range(1, 6):
            size = sum(group[who] == g for who in group)
            if not size:
                continue
            home = max((s for s in with_stayed if s <= g), default=with_stayed[0])
            changes = [y[1][who] - y[0][who] for who in both if group[who] == home]
            total += size / n0 * statistics.fmean(changes)
        return total

    def touch(self, answers, account, x0, x1, material):  # noqa: C901, PLR0912 - reads like the specification
        cells = [defaultdict(list), defaultdict(list)]
        for at in (0, 1):
            for r in answers[at]:
                segment = self.accounts.get(account[at][r["respondent_id"]], {}).get("segment")
                cells[at][r["queue"] or "", r["channel"] or "", segment or ""].append(r)
        sizes = [len(answers[0]), len(answers[1])]
        n, centre = x1 - x0, (x0 + x1) / 2
        within = mix = queues = 0.0
        alone, most = [0.0, 0.0], [0, 0]
        both = set(cells[0]) & set(cells[1])
        for k in set(cells[0]) | set(cells[1]):
            w = [len(cells[at].get(k, [])) / sizes[at] for at in (0, 1)]
            r = [statistics.fmean(a["x"] for a in cells[at][k]) if w[at] else None for at in (0, 1)]
            if k in both:
                within += (w[0] + w[1]) / 2 * (r[1] - r[0])
                mix += ((r[0] + r[1]) / 2 - centre) * (w[1] - w[0])
            else:
                at = 1 if w[1] else 0
                queues += (r[at] - centre) * (w[1] - w[0])
                alone[at] += w[at]
                most[at] = max(most[at], len({a["respondent_id"] for a in cells[at][k]}))
        s2, weeks = [0.0, 0.0, 0.0], []
        for at, x in ((0, x0), (1, x1)):
            big_n, big_h = defaultdict(float), defaultdict(float)
            for k, own in cells[at].items():
                weight = (len(cells[0].get(k, [])) / sizes[0] + len(cells[1].get(k, [])) / sizes[1]) / 2
                mean = statistics.fmean(a["x"] for a in own)
                for a in own:
                    week = a["answered"] - timedelta(days=a["answered"].weekday())
                    big_n[week] += (a["x"] - x) / sizes[at]
                    if k in both:
                        big_h[week] += weight * (a["x"] - mean) / len(own)
            weeks.append(len(big_h))
            gap = [big_n[w] - big_h.get(w, 0.0) for w in big_n]
            for number, sums in enumerate((list(big_n.values()), list(big_h.values()), gap)):
                units = len(sums)
                if units < 2 or s2[number] is None:
                    s2[number] = None
                else:
                    s2[number] += units / (units - 1) * math.fsum(c * c for c in sums)
        errors = [None if s is None else math.sqrt(s) for s in s2]
        errors = [0.0 if e is not None and e < 1e-9 else e for e in errors]
        z = student_quantile(0.975, sum(weeks) - 2) if min(weeks) >= 4 else None
        formed = min(weeks) > 0
        verdict = judge(
            Change(n, errors[0]),
            Change(within, errors[1]) if formed else None,
            Change(n - within, errors[2]) if formed else None,
            material=material,
            z=z,
            sampled=True,
        )
        parts = {"within": within, "mix": mix, "queues": queues}
        if any(1 <= people <= 4 for people in most):
            parts = {"within": within, "mix+queues": mix + queues}
        why = cause(verdict, n - within, [Part(name, value, name == "within") for name, value in parts.items()])
        rule = verdict is not Verdict.UNCLEAR and (abs(queues) >= material or max(alone) > 0.1)
        return {
            "h": within if formed else None,
            "se": tuple(errors) if formed else (errors[0], None, None),
            "z": z,
            "parts": parts,
            "counts": {
                "before": len({r["respondent_id"] for r in answers[0]}),
                "after": len({r["respondent_id"] for r in answers[1]}),
            },
            "verdict": "unclear" if rule else verdict.value,
            "would_be": verdict.value if rule else None,
            "cause": "queues" if rule else why,
        }
