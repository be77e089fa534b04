using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Tests.Programs;

namespace Tiebreak.Tests.Gradients;

/// <summary>Random uses of every primitive, on random shapes and axes; a program may be one of them or many, one built on the other.</summary>
sealed class PrimitiveInstances(Dice dice)
{
    const int MostElements = 27;

    static readonly ScalarFunction[] Steps = [FunctionKind.Step, new(FunctionKind.Step, AtZero: 1), FunctionKind.Sign, FunctionKind.Floor, FunctionKind.Round];

    readonly ProgramBuilder _builder = new();
    readonly List<Node> _made = [];
    int _leaves;

    /// <summary>How each primitive is used. Reciprocals and functions that are not steps are no polynomials and have proofs of their own.</summary>
    public static IReadOnlyDictionary<Type, Func<PrimitiveInstances, Node>> Table { get; } = new Dictionary<Type, Func<PrimitiveInstances, Node>>
    {
        [typeof(Primitive.Parameter)] = i => i.Leaf(i.AnyShape()),
        [typeof(Primitive.Data)] = i => i.Data(i.AnyShape()),
        [typeof(Primitive.Constant)] = i => i.Constant(i.AnyShape()),
        [typeof(Primitive.Add)] = i => i.WithPartner(i._builder.Add),
        [typeof(Primitive.Multiply)] = i => i.WithPartner(i._builder.Multiply),
        [typeof(Primitive.Negate)] = i => i._builder.Negate(i.Operand()),
        [typeof(Primitive.Reciprocal)] = i => i._builder.Reciprocal(i.Operand()),
        [typeof(Primitive.Apply)] = i => i.WithPartner((x, y) => i._builder.Multiply(i._builder.Apply(i.Dice.Of(Steps), x), y)),
        [typeof(Primitive.Choose)] = i => i.Choose(),
        [typeof(Primitive.Contract)] = i => i.Contract(),
        [typeof(Primitive.ReduceSum)] = i => i.Operand() is var x ? i._builder.Make(new Primitive.ReduceSum(new Axes(i.Dice.Axes(x.Shape.Rank))), x) : null!,
        [typeof(Primitive.Broadcast)] = i => i.Broadcast(),
        [typeof(Primitive.Reshape)] = i => i.Operand() is var x ? i._builder.Make(new Primitive.Reshape(i.ShapeOf((int)x.Shape.Count)), x) : null!,
        [typeof(Primitive.Transpose)] = i => i.Operand() is var x ? i._builder.Make(new Primitive.Transpose(new Axes(i.Dice.Order(x.Shape.Rank))), x) : null!,
        [typeof(Primitive.Gather)] = i => i.Operand() is var x ? i._builder.Gather(x, i.Map(x.Shape, null)) : null!,
        [typeof(Primitive.ScatterAdd)] = i => i.Operand() is var x ? i._builder.ScatterAdd(x, i.Map(null, x.Shape)) : null!,
        [typeof(Primitive.Concat)] = i => i.Concat(),
    };

    Dice Dice => dice;

    /// <summary>A program of the given primitives, one after the other; its outputs are the last results.</summary>
    public static TensorProgram Program(int seed, params ReadOnlySpan<Type> primitives)
    {
        var instances = new PrimitiveInstances(new Dice(seed));
        foreach (var primitive in primitives)
        {
            var node = Table[primitive](instances);
            if (node.Shape.Count <= MostElements) instances._made.Add(node);
            else instances._made.Add(instances._builder.ReduceSum(node, [.. Enumerable.Range(0, node.Shape.Rank)]));
        }

        instances._builder.Output("y", instances._made[^1]);
        if (primitives.Length > 1) instances._builder.Output("z", instances._made[^2]);
        return instances._builder.Build();
    }

    /// <summary>An earlier result or a new leaf.</summary>
    Node Operand(int lowestRank = 0)
    {
        Node[] fitting = [.. _made.Where(node => node.Shape.Rank >= lowestRank)];
        return fitting.Length > 0 && !dice.OneIn(3) ? dice.Of(fitting) : Leaf(AnyShape(lowestRank));
    }

    /// <summary>An operation on two operands of one shape, which may be one and the same.</summary>
    Node WithPartner(Func<Node, Node, Node> operation) => Operand() is var x && dice.OneIn(2) ? operation(x, Like(x.Shape)) : operation(Like(x.Shape), x);

    Node Like(Shape shape)
    {
        Node[] fitting = [.. _builder.Build().Nodes.Where(node => node.Shape == shape)];
        return fitting.Length > 0 && dice.OneIn(2) ? dice.Of(fitting) : Leaf(shape);
    }

    Node Leaf(Shape shape) => _leaves > 0 && dice.OneIn(6) ? Data(shape) : _leaves > 0 && dice.OneIn(6) ? Constant(shape) : _builder.Parameter($"p{_leaves++}", shape);

    Node Data(Shape shape) => _builder.Data($"x{_leaves++}", shape);

    Node Constant(Shape shape) => _builder.Constant(new RationalTensor([.. Enumerable.Range(0, (int)shape.Count).Select(_ => new Rational(dice.Next(-40, 40), 7))]), shape);

    Shape AnyShape(int lowestRank = 0) => dice.Shape(lowestRank, 3);

    /// <summary>A shape of so many elements.</summary>
    Shape ShapeOf(int count)
    {
        var sizes = new List<int>();
        while (count > 1)
        {
            var size = Enumerable.Range(2, count - 1).First(divisor => count % divisor == 0);
            sizes.Insert(dice.Next(0, sizes.Count), size);
            count /= size;
        }

        if (dice.OneIn(3)) sizes.Insert(dice.Next(0, sizes.Count), 1);
        return new Shape([.. sizes]);
    }

    Node Choose()
    {
        var x = Operand(lowestRank: 1);
        var last = x.Shape[x.Shape.Rank - 1];
        var flags = new bool[dice.OneIn(2) ? last : (int)x.Shape.Count];
        for (var k = 0; k < flags.Length; k++) flags[k] = k % last == 0 || dice.OneIn(2);
        var allowed = dice.OneIn(2) ? new AllowedElements(flags) : null;
        var weights = _builder.Choose(x, dice.OneIn(2) ? 1 : dice.Next(1, last), dice.Of(TieBreak.First, TieBreak.Split), allowed);
        return _builder.Multiply(weights, dice.OneIn(2) ? x : Like(x.Shape));
    }

    /// <summary>Each axis of the left operand is summed over, kept from both, or kept from the left; the right one may have one of its own.</summary>
    Node Contract()
    {
        var x = Operand();
        var left = "abcdef"[..x.Shape.Rank];
        var sizes = left.Zip(x.Shape.Sizes).ToDictionary(pair => pair.First, pair => pair.Second);
        var roles = left.ToDictionary(letter => letter, _ => dice.Of("summed", "both", "left"));
        if (dice.OneIn(2)) (sizes['r'], roles['r']) = (dice.Next(1, 3), "right");
        var right = Shuffled(roles.Where(role => role.Value != "left").Select(role => role.Key));
        var output = Shuffled(roles.Where(role => role.Value != "summed").Select(role => role.Key));
        var y = Like(new Shape([.. right.Select(letter => sizes[letter])]));
        return dice.OneIn(2) ? _builder.Contract(left, right, output, x, y) : _builder.Contract(right, left, output, y, x);

        string Shuffled(IEnumerable<char> letters) => letters.ToArray() is var list ? string.Concat(dice.Order(list.Length).Select(k => list[k])) : "";
    }

    Node Broadcast()
    {
        var x = Operand();
        var sizes = x.Shape.Sizes.ToList();
        var axes = new List<int>();
        for (var axis = 0; axis <= sizes.Count && sizes.Count < 5; axis++)
        {
            if (!dice.OneIn(3)) continue;
            sizes.Insert(axis, dice.Next(1, 3));
            axes.Add(axis);
        }

        return _builder.Make(new Primitive.Broadcast(new Shape([.. sizes]), new Axes([.. axes])), x);
    }

    /// <summary>A random map from or to a shape: slices, flips, diagonals, overlapping windows; or a table with holes and repeats.</summary>
    IndexMap Map(Shape? source, Shape? target)
    {
        var to = target ?? AnyShape();
        var strides = new int[to.Rank];
        for (var axis = 0; axis < strides.Length; axis++) strides[axis] = dice.Next(-3, 3);
        int Lowest() => strides.Zip(to.Sizes, (stride, size) => Math.Min(0, stride * (size - 1))).Sum();
        int Reach() => strides.Zip(to.Sizes, (stride, size) => Math.Abs(stride) * (size - 1)).Sum() + 1;
        while (source is { } given && Reach() > given.Count) strides[Array.FindIndex(strides, stride => stride != 0)] = 0;
        var from = source ?? ShapeOf(Reach() + dice.Next(0, 2));
        if (dice.OneIn(2)) return new IndexMap.Affine(from, to, -Lowest() + dice.Next(0, (int)from.Count - Reach()), new Axes(strides));
        return new IndexMap.Table(from, to, [.. Enumerable.Range(0, (int)to.Count).Select(_ => dice.Next(-1, (int)from.Count - 1))]);
    }

    Node Concat()
    {
        var x = Operand(lowestRank: 1);
        var axis = dice.Next(0, x.Shape.Rank - 1);
        var operands = new List<Node> { x };
        for (var more = dice.Next(1, 2); more > 0; more--)
        {
            var sizes = x.Shape.Sizes.ToArray();
            sizes[axis] = dice.Next(0, 2); // an empty part, too
            operands.Insert(dice.Next(0, operands.Count), dice.OneIn(4) ? x : Like(new Shape(sizes)));
        }

        return _builder.Concat(axis, [.. operands]);
    }
}
