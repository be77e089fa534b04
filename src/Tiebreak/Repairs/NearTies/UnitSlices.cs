using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Repairs.Merging;

namespace Tiebreak.Repairs.NearTies;

/// <summary>An axis of a weight.</summary>
/// <param name="Tensor">The weight.</param>
/// <param name="Axis">The axis.</param>
sealed record WeightAxis(Node Tensor, int Axis)
{
    /// <summary>The weight's name.</summary>
    public string Name => ((Primitive.Parameter)Tensor.Primitive).Name;
}

/// <summary>A unit by where it stands in the weights: the slices that make it, and those that read it.</summary>
/// <param name="Root">The place that it is.</param>
/// <param name="Incoming">For each axis that makes units of its kind, its slices there: one, or a block of them (a head), or one a gate.</param>
/// <param name="Outgoing">The same for the axes that read it.</param>
sealed record Unit(int Root, int[][] Incoming, int[][] Outgoing);

/// <summary>Units that stand on the same axes of the same weights, so that their slices can be held against each other.</summary>
/// <param name="Incoming">Where the numbers stand that make a unit.</param>
/// <param name="Outgoing">Where those stand that are added up when units become one.</param>
/// <param name="Rows">Incoming axes whose slices are one row: they are added to one another before anything else happens, as a bias to a product.</param>
/// <param name="Units">The units.</param>
sealed record UnitKind(IReadOnlyList<WeightAxis> Incoming, IReadOnlyList<WeightAxis> Outgoing, int[][] Rows, IReadOnlyList<Unit> Units)
{
    /// <summary>The axis that names the units: the first of a matrix or kernel, else the first.</summary>
    public int Main { get; } = Math.Max(0, Enumerable.Range(0, Incoming.Count).FirstOrDefault(k => Incoming[k].Tensor.Shape.Rank > 1, -1));

    /// <summary>How many neighbouring slices of the main axis are one unit, more than one for heads; one also where its slices lie apart, as those of gates do.</summary>
    public int SlicesPerUnit => Units.All(unit => unit.Incoming[Main] is var at && at[^1] - at[0] == at.Length - 1 && at[0] % at.Length == 0) ? Units[0].Incoming[Main].Length : 1;

    /// <summary>What a unit is called: its first slice, or for heads the number of its block.</summary>
    public int NumberOf(Unit unit) => unit.Incoming[Main][0] / SlicesPerUnit;

    /// <summary>Some units as a near tie.</summary>
    public NearTie Tie(Unit stays, IEnumerable<Unit> others, double distance) =>
        new(Incoming[Main].Name, Incoming[Main].Axis, SlicesPerUnit, NumberOf(stays), [.. others.Select(NumberOf).Order()], distance, [.. Incoming.Select(at => at.Name).Distinct(StringComparer.Ordinal)]);
}

/// <summary>
/// Finds the units of a program and their slices. A unit is a place of <see cref="Coordinates"/>; a weight that has it makes the unit, except where the sum over the units would add that weight's slices up: there it
/// reads the unit. Places that an axis is split into (heads of an axis of channels) are units with blocks of slices.
/// </summary>
sealed class UnitSlices
{
    readonly Coordinates _coordinates;
    readonly Dictionary<(int Node, int Axis), HashSet<int>> _folded = []; // axes of weights, and the places that are added up there
    readonly Dictionary<int, Slices> _own = [];
    readonly Dictionary<int, Slices?> _all = []; // null while it is being found
    readonly Dictionary<int, List<int>> _products = []; // of a factor's place the places of the axis that it is part of

    UnitSlices(Coordinates coordinates) => _coordinates = coordinates;

    /// <summary>All units by kind, in the order in which the program makes them.</summary>
    public static IReadOnlyList<UnitKind> Of(TensorProgram program)
    {
        var slices = new UnitSlices(Coordinates.Of(program));
        slices.Fold();
        slices.Collect();
        return slices.Kinds();
    }

    // What each sum over units would add up, followed back to the weights.
    void Fold()
    {
        var sides = new FoldSides(_coordinates);
        foreach (var sum in _coordinates.Sums)
        {
            var kind = sides.Of(sum);
            if (kind == SumKind.Alike || Array.TrueForAll(sum.Places, place => _coordinates.IsPinned(_coordinates.Find(place)))) continue;
            var (operand, axis) = kind == SumKind.FoldRight ? (sum.Right, sum.RightAxis) : (sum.Left, sum.LeftAxis);
            Follow(sides, sum.Node.Operands[operand], axis, Roots(sum.Places), []);
        }
    }

    void Follow(FoldSides sides, Node node, int axis, HashSet<int> roots, HashSet<(int Node, int Axis)> seen)
    {
        if (!seen.Add((node.Id, axis))) return;
        void Either(int left, int right)
        {
            if (sides.Side(node, left, right) is >= 0 and var side) Follow(sides, node.Operands[side], side == 0 ? left : right, roots, seen);
        }

        switch (node.Primitive)
        {
            case Primitive.Parameter:
                if (_folded.TryGetValue((node.Id, axis), out var known)) known.UnionWith(roots);
                else _folded.Add((node.Id, axis), [.. roots]);
                break;
            case Primitive.Negate or Primitive.Add or Primitive.Concat:
                foreach (var operand in node.Operands) Follow(sides, operand, axis, roots, seen);
                break;
            case Primitive.Multiply:
                Either(axis, axis);
                break;
            case Primitive.Contract contract:
                Either(contract.Left.IndexOf(contract.Output[axis], StringComparison.Ordinal), contract.Right.IndexOf(contract.Output[axis], StringComparison.Ordinal));
                break;
            case Primitive.ReduceSum reduce:
                Follow(sides, node.Operands[0], FoldSides.Kept(node.Operands[0].Shape.Rank, reduce.Axes, axis), roots, seen);
                break;
            case Primitive.Broadcast broadcast:
                if (!broadcast.Axes.Span.Contains(axis)) Follow(sides, node.Operands[0], axis - broadcast.Axes.Span.ToArray().Count(added => added < axis), roots, seen);
                break;
            case Primitive.Transpose transpose:
                Follow(sides, node.Operands[0], transpose.Order[axis], roots, seen);
                break;
            case Primitive.Reshape when ReshapeBlock.Of(node, axis) is { } block:
                // Of an axis that is joined from several, each has places of its own.
                foreach (var from in block.From) Follow(sides, node.Operands[0], from, block.From.Length > 1 && _coordinates.Of(node.Operands[0], from) is { } places ? Roots(places) : roots, seen);
                break;
            case Primitive.Gather gather when AxisLinks.Of(gather.Map).FirstOrDefault(link => link.Targets.Contains(axis)) is { } link:
                Follow(sides, node.Operands[0], link.Source, roots, seen);
                break;
            case Primitive.ScatterAdd scatter when AxisLinks.Of(scatter.Map).FirstOrDefault(link => link.Source == axis) is { Targets: [var only] }:
                Follow(sides, node.Operands[0], only, roots, seen);
                break;
        }
    }

    void Collect()
    {
        foreach (var (node, axis, places) in _coordinates.Axes())
        {
            if (node.Primitive is not Primitive.Parameter) continue;
            var folded = _folded.GetValueOrDefault((node.Id, axis));
            for (var k = 0; k < places.Length; k++)
            {
                var root = _coordinates.Find(places[k]);
                if (!_own.TryGetValue(root, out var own)) _own.Add(root, own = []);
                Add(own, (node.Id, axis, folded?.Contains(root) ?? false), [k]);
            }
        }

        foreach (var product in _coordinates.Products)
        {
            for (var factor = 0; factor < product.Factors.Length; factor++)
            {
                for (var k = 0; k < product.Flat.Length; k++)
                {
                    var root = _coordinates.Find(product.Factors[factor][product.PlaceOf(factor, k)]);
                    if (_coordinates.IsPinned(root)) continue;
                    if (!_products.TryGetValue(root, out var flat)) _products.Add(root, flat = []);
                    flat.Add(_coordinates.Find(product.Flat[k]));
                }
            }
        }
    }

    // Where a place stands itself, and where the axes stand that it is a factor of.
    Slices All(int root)
    {
        if (_all.TryGetValue(root, out var known)) return known ?? [];
        _all.Add(root, null);
        var all = new Slices();
        foreach (var (key, at) in _own.GetValueOrDefault(root) ?? []) Add(all, key, at);
        foreach (var flat in _products.GetValueOrDefault(root) ?? [])
            foreach (var (key, at) in All(flat)) Add(all, key, at);
        _all[root] = all;
        return all;
    }

    IReadOnlyList<UnitKind> Kinds()
    {
        // Parts of an axis that is split go with their factors only.
        var parts = _coordinates.Products.Where(product => product.Factors.Count(factor => factor.Length > 1) > 1).SelectMany(product => product.Flat).Select(_coordinates.Find).ToHashSet();
        var made = FirstMade();
        var rows = new AddedWeights(_coordinates);
        return
        [
            .. _own.Keys.Concat(_products.Keys).Distinct().Where(root => !_coordinates.IsPinned(root) && !parts.Contains(root)).Order()
                .Select(root => (Root: root, Slices: All(root)))
                .Where(unit => unit.Slices.Keys.Any(key => !key.IsFolded))
                .GroupBy(unit => string.Join(' ', unit.Slices.Select(slice => $"{slice.Key}x{slice.Value.Count}")), StringComparer.Ordinal)
                .Where(units => units.Skip(1).Any())
                .OrderBy(units => units.Min(unit => made.GetValueOrDefault(unit.Root, int.MaxValue))).ThenBy(units => units.First().Root)
                .Select(units => Kind(rows, [.. units])),
        ];
    }

    UnitKind Kind(AddedWeights rows, (int Root, Slices Slices)[] units)
    {
        var keys = units[0].Slices.Keys.ToLookup(key => key.IsFolded);
        WeightAxis[] Axes(bool isFolded) => [.. keys[isFolded].Select(key => new WeightAxis(_coordinates.Program.Nodes[key.Node], key.Axis))];
        int[][] At(Slices slices, bool isFolded) => [.. keys[isFolded].Select(key => slices[key].ToArray())];
        var incoming = Axes(false);
        return new UnitKind(
            incoming, Axes(true), [.. Enumerable.Range(0, incoming.Length).GroupBy(k => rows.RowOf(incoming[k].Tensor)).Select(row => row.ToArray())],
            [.. units.Select(unit => new Unit(unit.Root, At(unit.Slices, false), At(unit.Slices, true)))]);
    }

    // The first node with a place that data reach.
    Dictionary<int, int> FirstMade()
    {
        var dependsOnData = _coordinates.Program.DependsOn(leaf => leaf is Primitive.Data);
        var made = new Dictionary<int, int>();
        foreach (var (node, _, places) in _coordinates.Axes())
        {
            if (!dependsOnData[node.Id]) continue;
            foreach (var place in places) made.TryAdd(_coordinates.Find(place), node.Id);
        }

        return made;
    }

    HashSet<int> Roots(int[] places) => [.. places.Select(_coordinates.Find)];

    static void Add(Slices slices, (int Node, int Axis, bool IsFolded) key, IEnumerable<int> at)
    {
        if (slices.TryGetValue(key, out var known)) known.AddRange(at);
        else slices.Add(key, [.. at]);
    }

    /// <summary>The slices of a place, by weight, axis, and whether they read it.</summary>
    sealed class Slices : SortedDictionary<(int Node, int Axis, bool IsFolded), List<int>>;
}

/// <summary>Which weights are added to one another before anything else becomes of them: the weights of a product, its bias, the mean that a normalisation takes away.</summary>
sealed class AddedWeights
{
    readonly Dictionary<int, int> _parent = [];

    /// <summary>Follows the sums of a program.</summary>
    public AddedWeights(Coordinates coordinates)
    {
        var program = coordinates.Program;
        var dependsOnData = program.DependsOn(leaf => leaf is Primitive.Data);
        var terms = new int?[program.Nodes.Count]; // of each node that is such a sum one of its weights
        foreach (var node in program.Nodes)
        {
            if (!coordinates.IsNeeded[node.Id]) continue;
            switch (node.Primitive)
            {
                case Primitive.Parameter:
                    _parent.Add(node.Id, node.Id);
                    terms[node.Id] = node.Id;
                    break;
                case Primitive.Add:
                    var (left, right) = (terms[node.Operands[0].Id], terms[node.Operands[1].Id]);
                    if (left is { } one && right is { } other) _parent[Find(other)] = Find(one);
                    terms[node.Id] = left ?? right;
                    break;
                case Primitive.Contract when !dependsOnData[node.Operands[0].Id] || !dependsOnData[node.Operands[1].Id]:
                    terms[node.Id] = terms[node.Operands[dependsOnData[node.Operands[0].Id] ? 1 : 0].Id];
                    break;
                case Primitive.Negate or Primitive.Reshape or Primitive.Transpose or Primitive.Broadcast or Primitive.Gather or Primitive.ScatterAdd or Primitive.ReduceSum or Primitive.Concat:
                    terms[node.Id] = terms[node.Operands[0].Id];
                    break;
            }
        }
    }

    /// <summary>A number for the weights that a weight is added to.</summary>
    public int RowOf(Node weight) => Find(weight.Id);

    int Find(int weight)
    {
        while (_parent[weight] != weight) weight = _parent[weight];
        return weight;
    }
}
