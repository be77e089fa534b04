using Tiebreak.Formats;
using Tiebreak.Programs;

namespace Tiebreak.Repairs.Merging;

/// <summary>
/// Finds which units of a model can be one, given its values at one random point: places of axes that are equal (up to sign) wherever they are summed over with weights, so that one of them stays and its outgoing
/// weights become the sum of all. Optimistic, like the refinement: begin with as much merging as the places allow, split where it contradicts itself.
/// </summary>
sealed class UnitMerging
{
    const int MostAttempts = 1000;

    readonly Coordinates _coordinates;
    readonly UnitClasses _classes;
    readonly Model _model;
    readonly IReadOnlyDictionary<int, string> _whyBanned;

    UnitMerging(Model model, Coordinates coordinates, UnitClasses classes, IReadOnlyDictionary<string, AxisFold?[]> folds, IReadOnlyDictionary<int, string> whyBanned) =>
        (_model, _coordinates, _classes, Folds, _whyBanned) = (model, coordinates, classes, folds, whyBanned);

    /// <summary>The places of the model.</summary>
    public Coordinates Coordinates => _coordinates;

    /// <summary>For each parameter that the outputs need: what is added up along its axes.</summary>
    public IReadOnlyDictionary<string, AxisFold?[]> Folds { get; }

    /// <summary>Finds all that can be merged.</summary>
    /// <param name="model">The model; named weights that are not trained are parameters of its program, too.</param>
    /// <param name="run">The random point.</param>
    /// <param name="options">What is allowed.</param>
    public static UnitMerging Find(Model model, PointRun run, MergingOptions options)
    {
        var coordinates = Coordinates.Of(model.Program, pinsNumbers: options.Shrinks);
        var sides = new FoldSides(coordinates);
        var prints = new Fingerprints(run);
        var alike = coordinates.Sums.Where(sum => sides.Of(sum) == SumKind.Alike).ToArray();
        var banned = new HashSet<int>();
        var why = new Dictionary<int, string>();
        var unfolded = new HashSet<Sum>(); // where nothing goes, a sum that cannot be folded is no reason to keep units apart
        void Ban(Sum sum, string reason)
        {
            foreach (var place in sum.Places)
            {
                banned.Add(coordinates.Find(place));
                why.TryAdd(coordinates.Find(place), reason);
            }
        }

        var labels = model.Beside.Where(beside => coordinates.IsNeeded[beside.Node.Id] && coordinates.Of(beside.Node, beside.Axis) is { } places && places.Length == beside.Values.Count)
            .Select(beside => (coordinates.Of(beside.Node, beside.Axis)!, Labels(beside.Values))).ToArray();
        foreach (var place in options.Banned.SelectMany(at => coordinates.Of(model.Program.Nodes[at.Node], at.Axis) ?? [])) banned.Add(coordinates.Find(place));
        foreach (var sum in options.Shrinks && !options.Alike ? alike : []) Ban(sum, PinReasons.Counted(sum.Node));
        var equal = coordinates.Sums.Where(sum => options.Shrinks || sides.Of(sum) != SumKind.Alike).Where(sum => !Array.TrueForAll(sum.Places, place => coordinates.IsPinned(coordinates.Find(place)) || banned.Contains(coordinates.Find(place))))
            .SelectMany(sum => Equal(coordinates, sum, sides.Of(sum), options)).ToHashSet();
        prints.Need(equal.Concat(coordinates.Sums.Where(sum => equal.Any(at => ReferenceEquals(at.Node, sum.Node)) || sum.Places.Any(place => !coordinates.IsPinned(coordinates.Find(place)))).SelectMany(sum => Both(coordinates, sum))));
        var dead = options.DropDead ? Dead(coordinates, prints, alike, banned) : new bool[coordinates.Count];
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var classes = UnitClasses.Of(coordinates, prints, equal, options.Shrinks && options.Alike ? alike : [], labels, banned, dead);
            var (folds, conflict) = FoldRoles.Of(coordinates, sides, prints, classes, equal, unfolded);
            if (conflict is null) return new UnitMerging(model, coordinates, classes, folds, why);
            prints.Need(conflict.Equal);
            equal.UnionWith(conflict.Equal);
            foreach (var (sum, at) in conflict.Ban)
            {
                if (options.Shrinks) Ban(sum, PinReasons.NotLinear(at));
                else unfolded.Add(sum);
            }

            if (options.Shrinks && conflict.Ban.Count > 0) dead = options.DropDead ? Dead(coordinates, prints, alike, banned) : dead;
        }

        throw new InvalidOperationException("merging units comes to no end");
    }

    /// <summary>The places of an axis that stay; null for all.</summary>
    public int[]? Kept(Node node, int axis)
    {
        if (node.Id >= _coordinates.IsNeeded.Length || !_coordinates.IsNeeded[node.Id] || _coordinates.Of(node, axis) is not { } places) return null;
        var kept = _classes.Kept(places);
        return kept.Length == places.Length ? null : kept;
    }

    /// <summary>The place that stays for a place's class, by root; −1 for one that adds nothing and goes.</summary>
    public int KeptOf(int place) => _classes.KeptOf(place);

    /// <summary>Why a place stays though others are equal to it; null if it is not known.</summary>
    public string? WhyKept(int place)
    {
        var root = _coordinates.Find(place);
        return _coordinates.WhyPinned(root) ?? _whyBanned.GetValueOrDefault(root);
    }

    /// <summary>
    /// What could be one if nothing kept it: the coarsest classes of places that are equal, up to sign, in all sums and outputs, whatever must stay there or cannot be added up. By root the number of its class, −1 where all of
    /// it is zero, or nobody looks.
    /// </summary>
    public static int[] EqualPlaces(UnitMerging merging, PointRun run)
    {
        var coordinates = merging._coordinates;
        var sides = new FoldSides(coordinates);
        var options = new MergingOptions(Alike: true, DropDead: false, SumsOfEqualsOnly: true, []);
        var outputs = coordinates.Program.Outputs.SelectMany(output => Enumerable.Range(0, output.Node.Shape.Rank).Select(axis => new NodeAxis(output.Node, axis)));
        var equal = coordinates.Sums.SelectMany(sum => Equal(coordinates, sum, sides.Of(sum), options)).Concat(outputs).Where(at => coordinates.Of(at.Node, at.Axis) is not null).ToHashSet();
        var prints = new Fingerprints(run);
        prints.Need(equal);
        var classes = UnitClasses.Of(coordinates, prints, equal, [], [], new HashSet<int>(), new bool[coordinates.Count], keepsPinned: false);
        var found = new int[coordinates.Count];
        Array.Fill(found, -1);
        foreach (var at in equal)
        {
            var places = coordinates.Of(at.Node, at.Axis)!;
            for (var k = 0; k < places.Length; k++)
                if (prints[at][k] != 0) found[coordinates.Find(places[k])] = classes.KeptOf(places[k]);
        }

        return found;
    }

    /// <summary>The axes that shrink, those that shrink together as one: for each an axis of a node that names it.</summary>
    public IReadOnlyList<IReadOnlyList<NodeAxis>> Dimensions()
    {
        // Places of one axis belong together, and so do an axis and its factors.
        var parent = Enumerable.Range(0, _coordinates.Count).ToArray();
        int Find(int place)
        {
            while (parent[place] != place) place = parent[place] = parent[parent[place]];
            return place;
        }

        void Join(IEnumerable<int> places)
        {
            int? first = null;
            foreach (var place in places)
            {
                var root = Find(_coordinates.Find(place));
                if (first is { } known) parent[root] = Find(known);
                else first = root;
            }
        }

        foreach (var (_, _, places) in _coordinates.Axes()) Join(places);
        foreach (var product in _coordinates.Products) Join(product.Factors.Append(product.Flat).SelectMany(places => places));
        return [.. _coordinates.Axes().Where(axis => Kept(axis.Node, axis.Axis) is not null).GroupBy(axis => Find(_coordinates.Find(axis.Places[0]))).Select(group => group.Select(axis => new NodeAxis(axis.Node, axis.Axis)).ToArray())];
    }

    /// <summary>What becomes of each parameter of the program.</summary>
    public IReadOnlyDictionary<string, TensorPlan> Plans()
    {
        var plans = new Dictionary<string, TensorPlan>(StringComparer.Ordinal);
        foreach (var node in _model.Program.Nodes)
        {
            var name = node.Primitive is Primitive.Parameter parameter ? parameter.Name : node.Primitive is Primitive.Data { Kind: DataKind.Mask } mask ? mask.Name : null;
            if (name is null || !_coordinates.IsNeeded[node.Id]) continue;
            var folds = Folds.GetValueOrDefault(name);
            var axes = Enumerable.Range(0, node.Shape.Rank).Select(axis => AxisPlan.Of(node.Shape[axis], Kept(node, axis), folds?[axis])).ToArray();
            if (axes.Any(axis => axis is not null)) plans.Add(name, new TensorPlan(node.Shape, axes));
        }

        return plans;
    }

    static ulong[] Labels(Numbers.ExactTensor values)
    {
        var numbers = new double[values.Count];
        values.ReadNearest(0, numbers);
        return [.. numbers.Select(BitConverter.DoubleToUInt64Bits)];
    }

    static IEnumerable<NodeAxis> Equal(Coordinates coordinates, Sum sum, SumKind kind, MergingOptions options)
    {
        // What is constant along the axis is equal anyway.
        if ((kind != SumKind.FoldLeft || (sum.Right < 0 && options.SumsOfEqualsOnly)) && coordinates.Of(sum.Node.Operands[sum.Left], sum.LeftAxis) is not null) yield return new NodeAxis(sum.Node.Operands[sum.Left], sum.LeftAxis);
        if (sum.Right >= 0 && kind != SumKind.FoldRight && coordinates.Of(sum.Node.Operands[sum.Right], sum.RightAxis) is not null) yield return new NodeAxis(sum.Node.Operands[sum.Right], sum.RightAxis);
    }

    static IEnumerable<NodeAxis> Both(Coordinates coordinates, Sum sum)
    {
        if (coordinates.Of(sum.Node.Operands[sum.Left], sum.LeftAxis) is not null) yield return new NodeAxis(sum.Node.Operands[sum.Left], sum.LeftAxis);
        if (sum.Right >= 0 && coordinates.Of(sum.Node.Operands[sum.Right], sum.RightAxis) is not null) yield return new NodeAxis(sum.Node.Operands[sum.Right], sum.RightAxis);
    }

    // A place adds nothing where one of the factors is zero, in every sum it takes part in. Factors of products take part through those.
    static bool[] Dead(Coordinates coordinates, Fingerprints prints, IReadOnlyCollection<Sum> alike, HashSet<int> banned)
    {
        var (isAlive, isKnown) = (new bool[coordinates.Count], new bool[coordinates.Count]);
        foreach (var sum in coordinates.Sums)
        {
            var sides = Both(coordinates, sum).ToArray();
            for (var k = 0; k < sum.Places.Length; k++)
            {
                var root = coordinates.Find(sum.Places[k]);
                isKnown[root] = true;
                isAlive[root] |= coordinates.IsPinned(root) || banned.Contains(root) || alike.Contains(sum) || !Array.Exists(sides, at => prints.Has(at) && prints[at][k] == 0);
            }
        }

        foreach (var place in coordinates.Products.SelectMany(product => product.Factors.Append(product.Flat).SelectMany(places => places))) isKnown[coordinates.Find(place)] = true;
        return [.. Enumerable.Range(0, coordinates.Count).Select(root => coordinates.Find(root) == root && isKnown[root] && !isAlive[root] && !coordinates.IsPinned(root) && !banned.Contains(root))];
    }
}

/// <summary>What merging may do.</summary>
/// <param name="Alike">Whether axes that are averaged over may shrink, where all their classes are of one size.</param>
/// <param name="DropDead">Whether units that add nothing are dropped.</param>
/// <param name="SumsOfEqualsOnly">Whether terms of a plain sum must be equal to become one; otherwise it is enough that they are made from weights linearly.</param>
/// <param name="Banned">Axes that must stay as they are, by the number of their node.</param>
/// <param name="Shrinks">Whether merged units are to go; otherwise it is only asked whose outgoing weights count as a sum, and what else sums over the units does not matter.</param>
sealed record MergingOptions(bool Alike, bool DropDead, bool SumsOfEqualsOnly, IReadOnlyCollection<(int Node, int Axis)> Banned, bool Shrinks = true);
