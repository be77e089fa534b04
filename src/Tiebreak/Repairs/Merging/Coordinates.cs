using Tiebreak.Programs;

namespace Tiebreak.Repairs.Merging;

/// <summary>
/// The places of all axes of a program, as far as they belong together: place 3 of a dense layer's rows is place 3 of its bias, of what its activation makes and of the columns of the next layer. Primitives that
/// carry an axis on identify its places; those that split an axis (heads out of channels) or join axes relate places as products; those that sum over an axis are where units meet (<see cref="Sum"/>). An axis that a
/// tensor is constant along has no places of its own (null): it suits any size.
/// </summary>
sealed class Coordinates
{
    readonly List<int> _parent = [];
    readonly List<bool> _isPinned = [];
    readonly List<string?> _whyPinned = []; // of each root
    readonly List<ProductRelation> _products = [];
    readonly List<Sum> _sums = [];
    readonly int[]?[][] _places;

    Coordinates(TensorProgram program) => _places = new int[]?[program.Nodes.Count][];

    /// <summary>Axes split into others.</summary>
    public IReadOnlyList<ProductRelation> Products => _products;

    /// <summary>Where axes are summed over.</summary>
    public IReadOnlyList<Sum> Sums => _sums;

    /// <summary>The number of places handed out; their names are below it.</summary>
    public int Count => _parent.Count;

    /// <summary>The nodes that outputs depend on.</summary>
    public required bool[] IsNeeded { get; init; }

    /// <summary>The program.</summary>
    public required TensorProgram Program { get; init; }

    /// <summary>The places along an axis, each by some name; null where the tensor is constant along it.</summary>
    public int[]? Of(Node node, int axis) => _places[node.Id]?[axis];

    /// <summary>The name that stands for all names of a place.</summary>
    public int Find(int place)
    {
        while (_parent[place] != place) place = _parent[place] = _parent[_parent[place]];
        return place;
    }

    /// <summary>Whether a place must stay: data and outputs have it, or something that is not taken apart.</summary>
    public bool IsPinned(int root) => _isPinned[root];

    /// <summary>Why a place must stay, as the end of a sentence about units; null if it need not.</summary>
    public string? WhyPinned(int root) => _whyPinned[root];

    /// <summary>All axes with places, of needed nodes.</summary>
    public IEnumerable<(Node Node, int Axis, int[] Places)> Axes()
    {
        foreach (var node in Program.Nodes)
        {
            if (!IsNeeded[node.Id]) continue;
            for (var axis = 0; axis < node.Shape.Rank; axis++)
                if (_places[node.Id][axis] is { } places) yield return (node, axis, places);
        }
    }

    /// <summary>Finds the places of a program.</summary>
    /// <param name="program">The program; what its outputs do not need is left out.</param>
    /// <param name="pinsNumbers">Whether fixed numbers keep their places; not where nothing is to go.</param>
    public static Coordinates Of(TensorProgram program, bool pinsNumbers = true)
    {
        var needed = new bool[program.Nodes.Count];
        foreach (var (_, node) in program.Outputs) needed[node.Id] = true;
        for (var id = needed.Length - 1; id >= 0; id--)
            if (needed[id])
                foreach (var operand in program.Nodes[id].Operands) needed[operand.Id] = true;
        var coordinates = new Coordinates(program) { IsNeeded = needed, Program = program };
        foreach (var node in program.Nodes)
            if (needed[node.Id]) coordinates._places[node.Id] = coordinates.Make(node, pinsNumbers);
        foreach (var (name, node) in program.Outputs)
            foreach (var places in coordinates._places[node.Id]) coordinates.Pin(places, PinReasons.Output(name));
        coordinates.SpreadPins();
        return coordinates;
    }

    int[]?[] Make(Node node, bool pinsNumbers)
    {
        var rank = node.Shape.Rank;
        switch (node.Primitive)
        {
            case Primitive.Parameter or Primitive.Data { Kind: DataKind.Mask }:
                return [.. Enumerable.Range(0, rank).Select(axis => Fresh(node.Shape[axis]))];
            case Primitive.Data data:
                return [.. Enumerable.Range(0, rank).Select(axis => Pinned(node.Shape[axis], PinReasons.Input(data.Name)))];
            case Primitive.Constant constant:
                return constant.Values is Numbers.UniformTensor ? new int[]?[rank] : [.. Enumerable.Range(0, rank).Select(axis => pinsNumbers ? Pinned(node.Shape[axis], PinReasons.FixedNumbers(node)) : Fresh(node.Shape[axis]))];
            case Primitive.Add or Primitive.Multiply or Primitive.Negate or Primitive.Reciprocal or Primitive.Apply:
                return [.. Enumerable.Range(0, rank).Select(axis => node.Operands.Aggregate((int[]?)null, (places, operand) => Unify(places, Of(operand, axis))))];
            case Primitive.Choose choose:
                return Chosen(node, choose);
            case Primitive.Contract contract:
                return Contracted(node, contract);
            case Primitive.ReduceSum reduce:
                foreach (var axis in reduce.Axes.Span)
                    if (Of(node.Operands[0], axis) is { } summed) _sums.Add(new Sum(node, summed, 0, axis, -1, -1));
                return [.. Enumerable.Range(0, node.Operands[0].Shape.Rank).Where(axis => !reduce.Axes.Span.Contains(axis)).Select(axis => Of(node.Operands[0], axis))];
            case Primitive.Broadcast broadcast:
                var kept = 0;
                return [.. Enumerable.Range(0, rank).Select(axis => broadcast.Axes.Span.Contains(axis) ? null : Of(node.Operands[0], kept++))];
            case Primitive.Reshape:
                return Reshaped(node.Operands[0], node);
            case Primitive.Transpose transpose:
                return [.. transpose.Order.Span.ToArray().Select(axis => Of(node.Operands[0], axis))];
            case Primitive.Gather gather:
                return Moved(node, gather.Map, isGather: true);
            case Primitive.ScatterAdd scatter:
                return Moved(node, scatter.Map, isGather: false);
            case Primitive.Concat concat:
                return
                [
                    .. Enumerable.Range(0, rank).Select(axis => axis == concat.Axis
                        ? [.. node.Operands.SelectMany(operand => Of(operand, axis) ?? Pinned(operand.Shape[axis], PinReasons.Mixed(node)))]
                        : node.Operands.Aggregate((int[]?)null, (places, operand) => Unify(places, Of(operand, axis)))),
                ];
            default:
                throw new InvalidOperationException($"no places are known for {node}");
        }
    }

    // A choice looks at all of its last axis at once; flags of what is allowed repeat over the axes behind, so those must stay as they are.
    int[]?[] Chosen(Node node, Primitive.Choose choose)
    {
        var operand = node.Operands[0];
        var places = new int[]?[node.Shape.Rank];
        var strides = node.Shape.Strides();
        for (var axis = 0; axis < places.Length; axis++)
        {
            places[axis] = Of(operand, axis);
            if (axis == places.Length - 1 || (choose.Allowed is { } allowed && strides[axis] < allowed.Flags.Length)) Pin(places[axis], PinReasons.Whole(node));
        }

        return places;
    }

    int[]?[] Contracted(Node node, Primitive.Contract contract)
    {
        var result = new int[]?[node.Shape.Rank];
        foreach (var letter in contract.Left.Union(contract.Right))
        {
            var (left, right) = (contract.Left.IndexOf(letter, StringComparison.Ordinal), contract.Right.IndexOf(letter, StringComparison.Ordinal));
            var places = Unify(left < 0 ? null : Of(node.Operands[0], left), right < 0 ? null : Of(node.Operands[1], right));
            var output = contract.Output.IndexOf(letter, StringComparison.Ordinal);
            if (output >= 0) result[output] = places;
            else if (places is not null) _sums.Add(new Sum(node, places, 0, left, 1, right));
        }

        return result;
    }

    // Axes of one side that have the same elements as axes of the other are taken together; both are factors of one flat axis.
    int[]?[] Reshaped(Node operand, Node node)
    {
        var (from, to) = (operand.Shape, node.Shape);
        var result = new int[]?[to.Rank];
        foreach (var (froms, tos) in ReshapeBlock.All(node))
        {
            if (froms.All(axis => Of(operand, axis) is null)) continue;
            if (froms.Length == 1 && tos.Length == 1)
            {
                result[tos[0]] = Of(operand, froms[0]);
                continue;
            }

            var factors = froms.Select(axis => Of(operand, axis) ?? Fresh(from[axis])).ToArray();
            var flat = factors.Length == 1 ? factors[0] : Flat(factors);
            foreach (var axis in tos) result[axis] = tos.Length == 1 ? flat : Fresh(to[axis]);
            if (tos.Length > 1) _products.Add(new ProductRelation(flat, [.. tos.Select(axis => result[axis]!)]));
        }

        return result;
    }

    int[] Flat(int[][] factors)
    {
        var flat = Fresh(factors.Aggregate(1, (count, factor) => checked(count * factor.Length)));
        _products.Add(new ProductRelation(flat, factors));
        return flat;
    }

    // An index map is taken apart by axis where it can be; other axes stay as they are.
    int[]?[] Moved(Node node, IndexMap map, bool isGather)
    {
        var why = PinReasons.Mixed(node);
        int[][] operand = [.. Enumerable.Range(0, node.Operands[0].Shape.Rank).Select(axis => Of(node.Operands[0], axis) ?? Pinned(node.Operands[0].Shape[axis], why))];
        var other = isGather ? map.Target : map.Source;
        var result = new int[]?[other.Rank];
        var isDone = new bool[operand.Length];
        foreach (var link in AxisLinks.Of(map))
        {
            var (sourceAxis, targetAxes) = (link.Source, link.Targets);
            if (targetAxes.Length == 1)
            {
                // One axis of each side: place i of the target is place Map[i] of the source.
                var (mine, theirs) = isGather ? (sourceAxis, targetAxes[0]) : (targetAxes[0], sourceAxis);
                var size = other[theirs];
                if (isGather)
                {
                    result[theirs] = [.. link.Map.Select(place => place < 0 ? Pinned(1, why)[0] : operand[mine][place])];
                    if (link.Map.Contains(-1)) Pin(result[theirs], why);
                }
                else
                {
                    var made = Fresh(size);
                    for (var i = 0; i < link.Map.Length; i++) Union(made[link.Map[i]], operand[mine][i]);
                    if (link.Map.Distinct().Count() < size) Pin(made, why);
                    result[theirs] = made;
                }

                isDone[mine] = true;
            }
            else if (isGather)
            {
                foreach (var axis in targetAxes) result[axis] = Fresh(other[axis]);
                _products.Add(new ProductRelation([.. link.Map.Select(place => operand[sourceAxis][place])], [.. targetAxes.Select(axis => result[axis]!)]));
                isDone[sourceAxis] = true;
            }
            else
            {
                var made = Fresh(other[sourceAxis]);
                var flat = Flat([.. targetAxes.Select(axis => operand[axis])]);
                for (var i = 0; i < flat.Length; i++) Union(made[link.Map[i]], flat[i]);
                if (link.Map.Distinct().Count() < made.Length) Pin(made, why);
                result[sourceAxis] = made;
                foreach (var axis in targetAxes) isDone[axis] = true;
            }
        }

        for (var axis = 0; axis < result.Length; axis++) result[axis] ??= other[axis] == 1 ? Fresh(1) : Pinned(other[axis], why);
        for (var axis = 0; axis < operand.Length; axis++)
            if (!isDone[axis]) Pin(operand[axis], why);
        return result;
    }

    int[] Fresh(int size)
    {
        var places = new int[size];
        for (var k = 0; k < size; k++)
        {
            places[k] = _parent.Count;
            _parent.Add(places[k]);
            _isPinned.Add(false);
            _whyPinned.Add(null);
        }

        return places;
    }

    int[] Pinned(int size, string why)
    {
        var places = Fresh(size);
        Pin(places, why);
        return places;
    }

    void Pin(int[]? places, string why)
    {
        foreach (var place in places ?? []) Pin(Find(place), why);
    }

    void Pin(int root, string? why)
    {
        _isPinned[root] = true;
        _whyPinned[root] ??= why;
    }

    int[]? Unify(int[]? left, int[]? right)
    {
        if (left is null || right is null) return left ?? right;
        if (!ReferenceEquals(left, right))
            for (var k = 0; k < left.Length; k++) Union(left[k], right[k]);
        return left;
    }

    // The older name stays, so that names follow the order of the program.
    void Union(int a, int b)
    {
        (a, b) = (Find(a), Find(b));
        if (a == b) return;
        if (b < a) (a, b) = (b, a);
        _parent[b] = a;
        _isPinned[a] |= _isPinned[b];
        _whyPinned[a] ??= _whyPinned[b];
    }

    // A place that must stay needs all its factors; a place whose factors all must stay must stay, too.
    void SpreadPins()
    {
        for (var hasChanged = true; hasChanged;)
        {
            hasChanged = false;
            foreach (var product in _products)
            {
                for (var k = 0; k < product.Flat.Length; k++)
                {
                    var flat = Find(product.Flat[k]);
                    var isPinned = true;
                    string? why = null;
                    for (var factor = 0; factor < product.Factors.Length; factor++)
                    {
                        var place = Find(product.Factors[factor][product.PlaceOf(factor, k)]);
                        if (_isPinned[flat] && !_isPinned[place])
                        {
                            Pin(place, _whyPinned[flat]);
                            hasChanged = true;
                        }

                        isPinned &= _isPinned[place];
                        why ??= _whyPinned[place];
                    }

                    if (!isPinned || _isPinned[flat]) continue;
                    Pin(flat, why);
                    hasChanged = true;
                }
            }
        }
    }
}

/// <summary>Places of one axis as the products of places of others, row-major.</summary>
sealed class ProductRelation
{
    readonly int[] _strides;

    public ProductRelation(int[] flat, int[][] factors)
    {
        (Flat, Factors) = (flat, factors);
        _strides = new int[factors.Length];
        for (int k = factors.Length - 1, stride = 1; k >= 0; stride *= factors[k--].Length) _strides[k] = stride;
    }

    /// <summary>The places of the axis.</summary>
    public int[] Flat { get; }

    /// <summary>The places of the axes it is split into.</summary>
    public int[][] Factors { get; }

    /// <summary>Which place of a factor a place of the axis has.</summary>
    public int PlaceOf(int factor, int flat) => flat / _strides[factor] % Factors[factor].Length;
}

/// <summary>One axis that a node sums over: Σ left·right, or of one operand alone.</summary>
/// <param name="Node">The node.</param>
/// <param name="Places">The places of the axis.</param>
/// <param name="Left">The first operand.</param>
/// <param name="LeftAxis">Its axis.</param>
/// <param name="Right">The other operand; −1 if there is none.</param>
/// <param name="RightAxis">Its axis.</param>
sealed record Sum(Node Node, int[] Places, int Left, int LeftAxis, int Right, int RightAxis);
