"""Statistical disclosure control: whether published sums and counts, combined, isolate the answers of 1 to 4 people.

Suppressing a figure about fewer than five people is not enough. The answers of 41 people less those of 40 are one
person's answer, and so is any other sum of published figures, each times some number, in which all but a few people
cancel. Each published figure is a linear equation over what people answered: its row holds a weight for each answer
(1 for a sum, 1/n for a mean of n). Whoever has the figures has every linear combination of the rows, which is their
row space, and nothing else that is linear. So a group is isolated exactly where the row space holds a vector that is
zero outside of the group and not zero within.

Answers with equal columns (in the same figures with the same weights) have equal entries in every combination. They
form an atom. An atom of five or more people can be in no combination about fewer, so that what is looked for are the
combinations that are zero on all large atoms. Gaussian elimination with the large atoms first gives a basis of them;
their supports are then compared with the people in the small atoms.

Sources. Trackers, that is differences of allowed queries: D. E. Denning, P. J. Denning and M. D. Schwartz, The tracker,
ACM TODS 4 (1979) 76-96. The audit of sums by elimination over the incidence matrix: F. Y. Chin and G. Ozsoyoglu,
Auditing and inference control in statistical databases, IEEE TSE 8 (1982) 574-582. Complementary suppression in tables:
L. H. Cox, Suppression methodology and statistical disclosure control, JASA 75 (1980) 377-385. That exact answers to
many queries reveal nearly everything: I. Dinur and K. Nissim, Revealing information while preserving privacy,
PODS 2003, 202-210.

What is not judged: what follows from bounds and whole numbers (all of six people satisfied is the answer of each), from
sums of squares behind a standard error, and from what somebody knows already, such as their own answer.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np

FEWEST = 5  # people; a smaller group is never shown, nor what isolates one
# Elimination modulo a large prime: a rank over the rationals differs from it only where the prime divides a minor,
# and products of two residues fit 64 bits.
_PRIME = 2**31 - 1
_MAX_TRIALS = 5_000
Weight = int | Fraction
Group = frozenset[Hashable]


class Published:
    """Figures about the same answers that are published side by side.

    A figure is offered as rows, one weight for each atom; it is published only if nobody is isolated by it together
    with what is published already. So what is offered earlier has precedence.
    """

    def __init__(self, atoms: Sequence[Collection[Hashable]], fewest: int = FEWEST) -> None:
        """Begin with nothing published.

        :param atoms: the people behind each atom; a person may be behind several
        """
        atom_sets = [frozenset(people) for people in atoms]
        self._order = sorted(range(len(atom_sets)), key=lambda at: len(atom_sets[at]) < fewest)
        self._large = sum(len(people) >= fewest for people in atom_sets)
        self._small = [atom_sets[at] for at in self._order[self._large :]]
        self._fewest = fewest
        self._basis = np.zeros((0, len(atom_sets)), dtype=np.int64)

    def isolated_by(self, rows: Iterable[Sequence[Weight]]) -> Group | None:
        """A group of fewer than `fewest` people that would be isolated by one more figure; None where there is none."""
        return self._isolated(self._with(rows))

    def publish(self, rows: Iterable[Sequence[Weight]]) -> None:
        """Publish one more figure, whatever it isolates."""
        self._basis = self._with(rows)

    def offer(self, rows: Sequence[Sequence[Weight]]) -> bool:
        """Publish one more figure unless it isolates somebody; say whether it is published."""
        basis = self._with(rows)
        if self._isolated(basis) is not None:
            return False
        self._basis = basis
        return True

    def _with(self, rows: Iterable[Sequence[Weight]]) -> np.ndarray:
        new = [[_residue(row[at]) for at in self._order] for row in rows]
        if not new:
            return self._basis
        return _reduced_row_echelon(np.vstack([self._basis, np.array(new, dtype=np.int64)]))

    def _isolated(self, basis: np.ndarray) -> Group | None:
        # In reduced form, a row without an entry among the large atoms is zero on all of them.
        about_few = basis[~basis[:, : self._large].any(axis=1)][:, self._large :]
        for block in _independent_blocks(about_few):
            columns = np.flatnonzero(block.any(axis=0))
            group = _isolated_group(block[:, columns], [self._small[at] for at in columns], self._fewest)
            if group is not None:
                return group
        return None


def isolated(published: Iterable[Collection[Hashable]], fewest: int = FEWEST) -> Group | None:
    """A group of fewer than `fewest` people whose answers the sums over these sets of people isolate.

    :param published: the people behind each published sum
    :returns: one such group; None where there is none
    """
    sets = [frozenset(members_of_sum) for members_of_sum in published]
    members: dict[tuple[bool, ...], set[Hashable]] = {}
    for person in frozenset().union(*sets):
        members.setdefault(tuple(person in members_of_sum for members_of_sum in sets), set()).add(person)
    atoms = list(members)
    return Published([members[atom] for atom in atoms], fewest).isolated_by(
        [int(atom[number]) for atom in atoms] for number in range(len(sets))
    )


def _residue(weight: Weight) -> int:
    if isinstance(weight, int):
        return weight % _PRIME
    return weight.numerator * pow(weight.denominator, -1, _PRIME) % _PRIME


def _reduced_row_echelon(matrix: np.ndarray) -> np.ndarray:
    """Return the reduced row echelon form modulo the prime, without rows of zeros."""
    matrix, rank = matrix % _PRIME, 0
    for column in range(matrix.shape[1]):
        pivots = np.flatnonzero(matrix[rank:, column])
        if not pivots.size:
            continue
        matrix[[rank, rank + pivots[0]]] = matrix[[rank + pivots[0], rank]]
        matrix[rank] = matrix[rank] * pow(int(matrix[rank, column]), -1, _PRIME) % _PRIME
        factors = matrix[:, column].copy()
        factors[rank] = 0
        matrix = (matrix - factors[:, None] * matrix[rank][None, :]) % _PRIME
        rank += 1
        if rank == len(matrix):
            break
    return matrix[:rank]


def _independent_blocks(rows: np.ndarray) -> list[np.ndarray]:
    """Split rows into blocks that share no column: a combination with the fewest people lies within one block."""
    blocks: list[tuple[set[int], list[int]]] = []
    for number, row in enumerate(rows):
        columns, numbers = set(np.flatnonzero(row).tolist()), [number]
        disjoint = []
        for other in blocks:
            if other[0] & columns:
                columns |= other[0]
                numbers += other[1]
            else:
                disjoint.append(other)
        blocks = [*disjoint, (columns, numbers)]
    return [rows[sorted(numbers)] for _, numbers in blocks]


def _isolated_group(block: np.ndarray, people: Sequence[Group], fewest: int) -> Group | None:
    """Return a group of too few people outside of whom some combination of the rows is zero; None without one.

    Where there are too many combinations to try, all people of the block are returned, so that less is published.

    :param block: rows in reduced form, and no column of zeros
    :param people: those behind each column
    """
    everybody: Group = frozenset().union(*people)
    if len(everybody) < fewest:
        return everybody
    if sum(map(len, people)) == len(everybody):  # nobody is behind two columns
        return _LowWeightSearch([len(one) for one in people], people).group(_parity_check_matrix(block), fewest - 1)
    if comb(len(people), len(block) - 1) > _MAX_TRIALS:
        return everybody
    for zeros in combinations(range(len(people)), len(block) - 1):
        # A combination with no smaller one within (a circuit of the matroid of the columns) is zero on one column
        # fewer than there are rows, and determined by these.
        factors = _null_vector(block[:, list(zeros)])
        if factors is not None:
            total = np.zeros(len(people), dtype=np.int64)
            for factor, row in zip(factors, block, strict=True):
                total = (total + factor * row) % _PRIME
            group: Group = frozenset().union(*(people[at] for at in np.flatnonzero(total).tolist()))
            if len(group) < fewest:
                return group
    return None


def _parity_check_matrix(block: np.ndarray) -> np.ndarray:
    """Return a matrix whose null space is the row space: its columns are dependent where a combination has support."""
    pivots = [int(np.flatnonzero(row)[0]) for row in block]
    others = [at for at in range(block.shape[1]) if at not in set(pivots)]
    parity = np.zeros((len(others), block.shape[1]), dtype=np.int64)
    parity[:, pivots] = -block[:, others].T % _PRIME
    parity[range(len(others)), others] = 1
    return parity


class _LowWeightSearch:
    """Search for the dependent columns of a parity-check matrix with the fewest people behind them.

    As for the words of small weight of a linear code: a column that is zero, or two that are parallel, once some
    others are projected out. With at most four people there are at most two of those others.
    """

    def __init__(self, sizes: Sequence[int], people: Sequence[Group]) -> None:
        self.sizes, self.people = sizes, people
        self.tried = 0

    def group(self, parity: np.ndarray, most: int, chosen: tuple[int, ...] = ()) -> Group | None:
        """The people behind dependent columns, at most so many; None where there are none."""
        self.tried += 1
        if self.tried > _MAX_TRIALS:
            return frozenset().union(*self.people)
        first = chosen[-1] + 1 if chosen else 0
        first_with_direction: dict[bytes, int] = {}
        columns = [at for at in range(first, parity.shape[1]) if self.sizes[at] <= most]
        # The smallest first: of two that are parallel it is the one to be compared with a third.
        for at in sorted(columns, key=self.sizes.__getitem__):
            column = parity[:, at]
            entries = np.flatnonzero(column)
            if not entries.size:
                return self._people(*chosen, at)
            direction = (column * pow(int(column[entries[0]]), -1, _PRIME) % _PRIME).tobytes()
            twin = first_with_direction.setdefault(direction, at)
            if twin != at and self.sizes[twin] + self.sizes[at] <= most:
                return self._people(*chosen, twin, at)
        for at in columns:
            if self.sizes[at] + 2 <= most:
                row = int(np.flatnonzero(parity[:, at])[0])
                scaled = parity[row] * pow(int(parity[row, at]), -1, _PRIME) % _PRIME
                projected = np.delete((parity - parity[:, at][:, None] * scaled[None, :]) % _PRIME, row, axis=0)
                group = self.group(projected, most - self.sizes[at], (*chosen, at))
                if group is not None:
                    return group
        return None

    def _people(self, *columns: int) -> Group:
        return frozenset().union(*(self.people[at] for at in columns))


def _null_vector(columns: np.ndarray) -> list[int] | None:
    """The factors, unique up to scale, with which the rows add up to zero on the columns; None where not unique."""
    count = len(columns)
    if count == 1:
        return [1]
    # Row-reduce the transpose, one equation a column.
    reduced = _reduced_row_echelon(columns.T.copy())
    if len(reduced) < count - 1:
        return None
    pivots = [int(np.flatnonzero(row)[0]) for row in reduced]
    (free,) = set(range(count)) - set(pivots)
    factors = [0] * count
    factors[free] = 1
    for row, pivot in zip(reduced, pivots, strict=True):
        factors[pivot] = int(-row[free] % _PRIME)
    return factors
