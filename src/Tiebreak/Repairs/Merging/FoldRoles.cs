using Tiebreak.Programs;

namespace Tiebreak.Repairs.Merging;

/// <summary>Why classes cannot be merged as they are: more must be known, or some sums must stay.</summary>
/// <param name="Equal">Axes along which places must be equal, too; empty if that is not it.</param>
/// <param name="Ban">Sums whose places must stay as they are.</param>
sealed record FoldConflict(IReadOnlyList<NodeAxis> Equal, IReadOnlyList<BannedSum> Ban);

/// <summary>A sum whose places must stay, and where what it asks for was not to be had.</summary>
sealed record BannedSum(Sum Sum, Node At);

/// <summary>
/// Follows what each sum asks of its operands back to the weights: along an axis where units are merged one operand keeps the slices of those that stay, the other has the slices of a class added up. One walk from the
/// outputs to the leaves; a node that two readers want in two ways, or that is not linear, is a conflict.
/// </summary>
sealed class FoldRoles
{
    readonly Coordinates _coordinates;
    readonly FoldSides _sides;
    readonly Fingerprints _prints;
    readonly UnitClasses _classes;
    readonly IReadOnlySet<NodeAxis> _isEqual;
    readonly IReadOnlySet<Sum> _unfolded; // sums whose operands are taken as they are
    readonly AxisFold?[]?[] _folds; // of each node, for each axis; null where everybody wants it as it is
    readonly bool[][] _isRead; // whether a reader wants the whole axis as it is
    readonly HashSet<NodeAxis> _needed = [];
    readonly Dictionary<Sum, Node> _banned = []; // and where it failed first

    FoldRoles(Coordinates coordinates, FoldSides sides, Fingerprints prints, UnitClasses classes, IReadOnlySet<NodeAxis> isEqual, IReadOnlySet<Sum> unfolded)
    {
        (_coordinates, _sides, _prints, _classes, _isEqual, _unfolded) = (coordinates, sides, prints, classes, isEqual, unfolded);
        _folds = new AxisFold?[]?[coordinates.Program.Nodes.Count];
        _isRead = [.. coordinates.Program.Nodes.Select(node => new bool[node.Shape.Rank])];
    }

    /// <summary>Follows all sums.</summary>
    /// <returns>For each parameter what is added along its axes; or what stands in the way.</returns>
    public static (IReadOnlyDictionary<string, AxisFold?[]> Parameters, FoldConflict? Conflict) Of(
        Coordinates coordinates, FoldSides sides, Fingerprints prints, UnitClasses classes, IReadOnlySet<NodeAxis> isEqual, IReadOnlySet<Sum> unfolded)
    {
        var roles = new FoldRoles(coordinates, sides, prints, classes, isEqual, unfolded);
        var parameters = new Dictionary<string, AxisFold?[]>(StringComparer.Ordinal);
        var sums = coordinates.Sums.ToLookup(sum => sum.Node.Id);
        foreach (var node in coordinates.Program.Nodes.Reverse())
        {
            if (!coordinates.IsNeeded[node.Id]) continue;
            if (node.Primitive is Primitive.Parameter parameter) parameters.Add(parameter.Name, roles._folds[node.Id] ?? new AxisFold?[node.Shape.Rank]);
            else roles.Push(node, [.. sums[node.Id]]);
        }

        var conflict = roles._needed.Count > 0 || roles._banned.Count > 0 ? new FoldConflict([.. roles._needed], [.. roles._banned.Select(entry => new BannedSum(entry.Key, entry.Value))]) : null;
        return (parameters, conflict);
    }

    void Push(Node node, Sum[] sums)
    {
        var own = _folds[node.Id] ?? new AxisFold?[node.Shape.Rank];
        switch (node.Primitive)
        {
            case Primitive.Negate or Primitive.Add:
                foreach (var operand in node.Operands)
                    for (var axis = 0; axis < own.Length; axis++) Ask(operand, axis, own[axis]);
                break;
            case Primitive.Multiply:
                for (var axis = 0; axis < own.Length; axis++) Product(node, axis, axis, own[axis]);
                break;
            case Primitive.Contract contract:
                for (var axis = 0; axis < own.Length; axis++)
                    Product(node, contract.Left.IndexOf(contract.Output[axis], StringComparison.Ordinal), contract.Right.IndexOf(contract.Output[axis], StringComparison.Ordinal), own[axis]);
                foreach (var sum in sums) Summed(sum);
                break;
            case Primitive.ReduceSum reduce:
                for (var axis = 0; axis < own.Length; axis++) Ask(node.Operands[0], FoldSides.Kept(node.Operands[0].Shape.Rank, reduce.Axes, axis), own[axis]);
                foreach (var sum in sums) Summed(sum);
                break;
            case Primitive.Broadcast broadcast:
                for (int axis = 0, kept = 0; axis < own.Length; axis++)
                {
                    if (!broadcast.Axes.Span.Contains(axis)) Ask(node.Operands[0], kept++, own[axis]);
                    else if (own[axis] is { IsNeeded: true } fold) Ban(fold, node);
                }

                break;
            case Primitive.Transpose transpose:
                for (var axis = 0; axis < own.Length; axis++) Ask(node.Operands[0], transpose.Order[axis], own[axis]);
                break;
            case Primitive.Reshape:
                foreach (var block in ReshapeBlock.All(node)) Reshaped(node, block, own);
                break;
            case Primitive.Gather gather:
                Moved(node, own, AxisLinks.Of(gather.Map), isGather: true);
                break;
            case Primitive.ScatterAdd scatter:
                Moved(node, own, AxisLinks.Of(scatter.Map), isGather: false);
                break;
            case Primitive.Concat concat:
                Joined(node, concat.Axis, own);
                break;
            default: // functions and choices need their operand as it is, and cannot be added up
                foreach (var fold in own)
                    if (fold is { IsNeeded: true }) Ban(fold, node);
                foreach (var operand in node.Operands)
                    for (var axis = 0; axis < operand.Shape.Rank; axis++) Ask(operand, axis, null);
                break;
        }
    }

    // One operand is added up, the other stays: its slices must be equal within each class, up to the signs with which the first are added.
    void Product(Node node, int left, int right, AxisFold? fold)
    {
        if (left >= 0 && _coordinates.Of(node.Operands[0], left) is null) left = -1;
        if (right >= 0 && _coordinates.Of(node.Operands[1], right) is null) right = -1;
        if (fold is null || !fold.IsNeeded)
        {
            if (left >= 0) Ask(node.Operands[0], left, fold);
            if (right >= 0) Ask(node.Operands[1], right, fold);
            return;
        }

        var side = _sides.Side(node, left, right);
        if (side < 0)
        {
            Ban(fold, node);
            return;
        }

        var (axis, other) = side == 0 ? (left, right) : (right, left);
        if (other >= 0)
        {
            var at = new NodeAxis(node.Operands[1 - side], other);
            if (!Equal(at)) return;
            fold = fold.Signed((k, to) => _prints[at][k] != _prints[at][to]);
            Ask(at.Node, other, null);
        }

        Ask(node.Operands[side], axis, fold);
    }

    void Summed(Sum sum)
    {
        var targets = _classes.Targets(sum.Places);
        var isMerged = targets.Where((to, k) => to >= 0 && to != k).Any();
        var kind = _sides.Of(sum);
        var (folded, foldedAxis, other, otherAxis) = kind == SumKind.FoldRight ? (sum.Right, sum.RightAxis, sum.Left, sum.LeftAxis) : (sum.Left, sum.LeftAxis, sum.Right, sum.RightAxis);
        if (!isMerged || kind == SumKind.Alike || _unfolded.Contains(sum))
        {
            Ask(sum.Node.Operands[folded], foldedAxis, null);
            if (other >= 0) Ask(sum.Node.Operands[other], otherAxis, null);
            return;
        }

        var fold = new AxisFold(targets, new bool[targets.Length], new HashSet<Sum> { sum });
        if (other >= 0)
        {
            var at = new NodeAxis(sum.Node.Operands[other], otherAxis);
            if (_coordinates.Of(at.Node, at.Axis) is not null)
            {
                if (!Equal(at)) return;
                fold = fold.Signed((k, to) => _prints[at][k] != _prints[at][to]);
                Ask(at.Node, at.Axis, null);
            }
        }

        Ask(sum.Node.Operands[folded], foldedAxis, fold);
    }

    bool Equal(NodeAxis at)
    {
        if (_isEqual.Contains(at)) return true;
        _needed.Add(at);
        return false;
    }

    void Reshaped(Node node, ReshapeBlock block, AxisFold?[] own)
    {
        var operand = node.Operands[0];
        var folds = block.To.Select(axis => own[axis]).ToArray();
        if (!folds.Any(fold => fold is { IsNeeded: true }))
        {
            // Nobody adds anything up; parts that nobody reads are not told apart here.
            foreach (var axis in block.From) Ask(operand, axis, block is { From.Length: 1, To.Length: 1 } ? folds[0] : null);
            return;
        }

        var whole = AxisFold.Product([.. folds.Select((fold, k) => fold ?? AsItIs(node, block.To[k]))]);
        if (block.From.Length == 1) Ask(operand, block.From[0], whole);
        else if (whole.Factors([.. block.From.Select(axis => operand.Shape[axis])]) is { } factors)
            for (var k = 0; k < factors.Length; k++) Ask(operand, block.From[k], factors[k]);
        else Ban(whole, node);
    }

    // A scatter adds up what lands in one place, which is no mere move: it is followed only as it is.
    void Moved(Node node, AxisFold?[] own, IEnumerable<AxisLink> links, bool isGather)
    {
        var operand = node.Operands[0];
        var (isAsked, isDone) = (new bool[operand.Shape.Rank], new bool[own.Length]);
        foreach (var link in links)
        {
            if (!isGather) break;
            var size = operand.Shape[link.Source];
            var fold = link.Map.Length == size && link.Targets.All(axis => own[axis] is null) ? null : AxisFold.Product([.. link.Targets.Select(axis => own[axis] ?? AsItIs(node, axis))]).Behind(link.Map, size);
            if (fold is null && link.Targets.Any(axis => own[axis] is { IsNeeded: true })) continue;
            Ask(operand, link.Source, fold is { IsNeeded: false } && !fold.To.Contains(AxisFold.Free) ? null : fold);
            isAsked[link.Source] = true;
            foreach (var axis in link.Targets) isDone[axis] = true;
        }

        for (var axis = 0; axis < own.Length; axis++)
            if (!isDone[axis] && own[axis] is { IsNeeded: true } fold) Ban(fold, node);
        for (var axis = 0; axis < isAsked.Length; axis++)
            if (!isAsked[axis]) Ask(operand, axis, null);
    }

    void Joined(Node node, int joined, AxisFold?[] own)
    {
        var start = 0;
        foreach (var operand in node.Operands)
        {
            var (first, size) = (start, operand.Shape[joined]);
            start += size;
            for (var axis = 0; axis < own.Length; axis++)
            {
                if (axis != joined || own[axis] is not { } fold)
                {
                    Ask(operand, axis, own[axis]);
                    continue;
                }

                var part = fold.To.AsSpan(first, size).ToArray();
                if (Array.Exists(part, to => to >= 0 && (to < first || to >= first + size))) Ban(fold, node);
                else Ask(operand, axis, new AxisFold([.. part.Select(to => to < 0 ? to : to - first)], [.. fold.IsNegative.AsSpan(first, size)], fold.Causes));
            }
        }
    }

    void Ask(Node operand, int axis, AxisFold? fold)
    {
        if (_coordinates.Of(operand, axis) is null)
        {
            if (fold is { IsNeeded: true }) Ban(fold, operand);
            return;
        }

        var folds = _folds[operand.Id] ??= new AxisFold?[operand.Shape.Rank];
        var (known, isRead) = (folds[axis], _isRead[operand.Id][axis]);
        if (fold is null && known is null)
        {
            _isRead[operand.Id][axis] = true;
            return;
        }

        // As it is means each place that stays for itself; what becomes of the others is nobody's concern.
        var asItIs = AsItIs(operand, axis);
        var (left, right) = (fold ?? asItIs, known ?? (isRead ? asItIs : null));
        if (right is null)
        {
            folds[axis] = left;
            return;
        }

        if (AxisFold.Both(left, right) is { } both) folds[axis] = both;
        else
        {
            Ban(left, operand);
            Ban(right, operand);
        }
    }

    AxisFold AsItIs(Node node, int axis)
    {
        var identity = AxisFold.Identity(node.Shape[axis]);
        if (_coordinates.Of(node, axis) is not { } places) return identity;
        for (var k = 0; k < places.Length; k++)
            if (!_classes.IsKept(places[k])) identity.To[k] = _classes.IsDead(places[k]) ? AxisFold.Free : AxisFold.Dropped;
        return identity;
    }

    void Ban(AxisFold fold, Node at)
    {
        foreach (var sum in fold.Causes) _banned.TryAdd(sum, at);
    }
}
