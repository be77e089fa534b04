using Tiebreak.Numbers;

namespace Tiebreak.Programs;

/// <summary>
/// The only way to make nodes. Checks every shape against <see cref="ProgramGrammar"/>, gives equal nodes one identity, and drops what is
/// exactly nothing (x + 0, 1 · x, a reshape to the same shape), so that later stages see less and prove the same.
/// </summary>
public sealed class ProgramBuilder
{
    readonly List<Node> _nodes = [];
    readonly List<(string Name, Node Node)> _outputs = [];
    readonly Dictionary<NodeKey, Node> _known = [];

    /// <summary>Starts an empty program.</summary>
    public ProgramBuilder() { }

    /// <summary>Starts with the nodes of an existing program, which may be used as operands.</summary>
    public ProgramBuilder(IReadOnlyList<Node> nodes)
    {
        foreach (var node in nodes)
        {
            _nodes.Add(node);
            _known.TryAdd(new NodeKey(node.Primitive, node.Operands, node.Shape), node);
        }
    }

    /// <summary>Where in the user's model the nodes made from now on come from; shown in messages.</summary>
    public string? Origin { get; set; }

    /// <summary>The program so far.</summary>
    public TensorProgram Build() => new([.. _nodes], [.. _outputs]);

    /// <summary>Names a node as an output.</summary>
    public void Output(string name, Node node) => _outputs.Add((name, node));

    /// <summary>A parameter; the same name is the same parameter.</summary>
    public Node Parameter(string name, Shape shape) => Make(new Primitive.Parameter(name), shape);

    /// <summary>A data leaf; the same name is the same data.</summary>
    public Node Data(string name, Shape shape, DataKind kind = DataKind.Free) => Make(new Primitive.Data(name, kind), shape);

    /// <summary>Fixed numbers.</summary>
    public Node Constant(ExactTensor values, Shape shape) => Make(new Primitive.Constant(values), shape);

    /// <summary>One fixed number everywhere.</summary>
    public Node Fill(Rational value, Shape shape) => Constant(new UniformTensor(shape.Count, value), shape);

    /// <summary>x + y.</summary>
    public Node Add(Node left, Node right)
    {
        if (left.Shape == right.Shape && IsFill(left, Rational.Zero)) return right;
        if (left.Shape == right.Shape && IsFill(right, Rational.Zero)) return left;
        return left.Id <= right.Id ? Make(new Primitive.Add(), left, right) : Make(new Primitive.Add(), right, left);
    }

    /// <summary>x − y.</summary>
    public Node Subtract(Node left, Node right) => Add(left, Negate(right));

    /// <summary>x · y.</summary>
    public Node Multiply(Node left, Node right)
    {
        if (left.Shape == right.Shape)
        {
            if (IsFill(left, Rational.One) || IsFill(right, Rational.Zero)) return right;
            if (IsFill(right, Rational.One) || IsFill(left, Rational.Zero)) return left;
        }

        return left.Id <= right.Id ? Make(new Primitive.Multiply(), left, right) : Make(new Primitive.Multiply(), right, left);
    }

    /// <summary>x · c for one fixed number.</summary>
    public Node Scale(Node operand, Rational factor) => Multiply(operand, Fill(factor, operand.Shape));

    /// <summary>x + c for one fixed number.</summary>
    public Node Offset(Node operand, Rational term) => Add(operand, Fill(term, operand.Shape));

    /// <summary>x / y.</summary>
    public Node Divide(Node left, Node right) => Multiply(left, Reciprocal(right));

    /// <summary>−x.</summary>
    public Node Negate(Node operand) =>
        TryBeforeBroadcast(operand, Negate, out var repeated) ? repeated
        : operand.Primitive is Primitive.Negate ? operand.Operands[0]
        : operand.Primitive is Primitive.Constant { Values: UniformTensor fill } ? Fill(-fill.Value, operand.Shape)
        : Make(new Primitive.Negate(), operand);

    /// <summary>1 / x.</summary>
    public Node Reciprocal(Node operand) =>
        TryBeforeBroadcast(operand, Reciprocal, out var repeated) ? repeated
        : operand.Primitive is Primitive.Constant { Values: UniformTensor { Value.IsZero: false } fill } ? Fill(Rational.One / fill.Value, operand.Shape)
        : operand.Primitive is Primitive.Reciprocal ? operand.Operands[0]
        : Make(new Primitive.Reciprocal(), operand);

    /// <summary>f(x) element by element.</summary>
    public Node Apply(ScalarFunction function, Node operand)
    {
        if (operand.Primitive is Primitive.Apply inner && (function.Kind, inner.Function.Kind) is (FunctionKind.Log, FunctionKind.Exp) or (FunctionKind.Exp, FunctionKind.Log))
            return operand.Operands[0]; // log is the inverse of exp where it meets it
        if (TryBeforeBroadcast(operand, inside => Apply(function, inside), out var repeated)) return repeated;
        return Make(new Primitive.Apply(function), operand);
    }

    /// <summary>x to a whole power; negative ones divide.</summary>
    public Node Power(Node operand, int exponent)
    {
        if (exponent < 0) return Reciprocal(Power(operand, -exponent));
        if (exponent == 0) return Fill(Rational.One, operand.Shape);
        if (exponent == 1) return operand;
        var half = Power(operand, exponent / 2);
        var square = Multiply(half, half);
        return exponent % 2 == 0 ? square : Multiply(square, operand);
    }

    /// <summary>The weights of a choice along the last axis.</summary>
    public Node Choose(Node operand, int count, TieBreak ties, AllowedElements? allowed = null) => Make(new Primitive.Choose(count, ties, allowed), operand);

    /// <summary>A two-operand einsum, for instance <c>Contract("oi", "ni", "no", w, x)</c>.</summary>
    public Node Contract(string left, string right, string output, Node leftOperand, Node rightOperand) =>
        Make(new Primitive.Contract(left, right, output), leftOperand, rightOperand);

    /// <summary>Sums over the given axes and drops them.</summary>
    public Node ReduceSum(Node operand, params ReadOnlySpan<int> axes)
    {
        if (axes.Length == 0) return operand;
        var sorted = axes.ToArray();
        Array.Sort(sorted);
        return Make(new Primitive.ReduceSum(new Axes(sorted)), operand);
    }

    /// <summary>Repeats along new axes at the given places of the target.</summary>
    public Node Broadcast(Node operand, Shape target, params ReadOnlySpan<int> axes)
    {
        if (axes.Length == 0 && operand.Shape == target) return operand;
        var sorted = axes.ToArray();
        Array.Sort(sorted);
        return operand.Primitive is Primitive.Constant { Values: UniformTensor fill } && target.Without(sorted) == operand.Shape
            ? Fill(fill.Value, target)
            : Make(new Primitive.Broadcast(target, new Axes(sorted)), operand);
    }

    /// <summary>NumPy's rule: aligns to the right, repeats axes of size 1 and missing ones.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public Node BroadcastTo(Node operand, Shape target)
    {
        if (operand.Shape == target) return operand;
        var missing = target.Rank - operand.Shape.Rank;
        if (missing < 0) throw new ArgumentException($"{operand.Shape} does not broadcast to {target}");
        var kept = new List<int>();
        var added = new List<int>();
        for (var axis = 0; axis < target.Rank; axis++)
        {
            var size = axis < missing ? 1 : operand.Shape[axis - missing];
            if (axis >= missing && size == target[axis]) kept.Add(size);
            else if (size == 1) added.Add(axis);
            else throw new ArgumentException($"{operand.Shape} does not broadcast to {target}");
        }

        return Broadcast(Reshape(operand, new Shape([.. kept])), target, [.. added]);
    }

    /// <summary>NumPy's common shape of two operands.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Shape CommonShape(Shape left, Shape right)
    {
        var sizes = new int[Math.Max(left.Rank, right.Rank)];
        for (var k = 1; k <= sizes.Length; k++)
        {
            var a = k <= left.Rank ? left[left.Rank - k] : 1;
            var b = k <= right.Rank ? right[right.Rank - k] : 1;
            if (a != b && a != 1 && b != 1) throw new ArgumentException($"shapes {left} and {right} do not broadcast");
            sizes[^k] = a == 1 ? b : a;
        }

        return new Shape(sizes);
    }

    /// <summary>The same elements under another shape.</summary>
    public Node Reshape(Node operand, Shape target)
    {
        if (operand.Shape == target) return operand;
        if (operand.Shape.Count == target.Count)
        {
            if (operand.Primitive is Primitive.Reshape) return Reshape(operand.Operands[0], target);
            if (operand.Primitive is Primitive.Constant constant) return Constant(constant.Values, target);
        }

        return Make(new Primitive.Reshape(target), operand);
    }

    /// <summary>Result axis k is operand axis order[k].</summary>
    public Node Transpose(Node operand, params ReadOnlySpan<int> order)
    {
        var identity = true;
        for (var axis = 0; axis < order.Length; axis++) identity &= order[axis] == axis;
        return identity && order.Length == operand.Shape.Rank ? operand : Make(new Primitive.Transpose(new Axes(order)), operand);
    }

    /// <summary>Reads through a constant index map.</summary>
    public Node Gather(Node operand, IndexMap map) => Make(new Primitive.Gather(map), operand);

    /// <summary>Adds through a constant index map.</summary>
    public Node ScatterAdd(Node operand, IndexMap map) => Make(new Primitive.ScatterAdd(map), operand);

    /// <summary>Operands one after the other.</summary>
    public Node Concat(int axis, params ReadOnlySpan<Node> operands) => operands.Length == 1 ? operands[0] : Make(new Primitive.Concat(axis), operands);

    /// <summary>The same as a node of another program, of operands in this one.</summary>
    public Node Again(Node node, params ReadOnlySpan<Node> operands) => node.Primitive switch
    {
        Primitive.Parameter parameter => Parameter(parameter.Name, node.Shape),
        Primitive.Data data => Data(data.Name, node.Shape, data.Kind),
        Primitive.Constant constant => Constant(constant.Values, node.Shape),
        _ => Make(node.Primitive, operands),
    };

    /// <summary>A node of any primitive; the shape is needed for leaves only.</summary>
    /// <exception cref="ArgumentException">The operands do not fit the primitive.</exception>
    public Node Make(Primitive primitive, params ReadOnlySpan<Node> operands) => Make(primitive, Shape.Scalar, operands);

    Node Make(Primitive primitive, Shape leaf, params ReadOnlySpan<Node> operands)
    {
        var shapes = new Shape[operands.Length];
        for (var k = 0; k < operands.Length; k++) shapes[k] = operands[k].Shape;
        var shape = ProgramGrammar.ResultShape(primitive, shapes, leaf);
        var inputs = operands.ToArray();
        var key = new NodeKey(primitive, inputs, shape);
        if (_known.TryGetValue(key, out var known)) return known;
        var node = new Node(_nodes.Count, primitive, inputs, shape, Origin);
        _nodes.Add(node);
        _known.Add(key, node);
        return node;
    }

    // f(broadcast x) = broadcast f(x), with less to compute.
    bool TryBeforeBroadcast(Node operand, Func<Node, Node> function, out Node result)
    {
        result = operand;
        if (operand.Primitive is not Primitive.Broadcast broadcast) return false;
        result = Broadcast(function(operand.Operands[0]), broadcast.Target, broadcast.Axes.Span);
        return true;
    }

    static bool IsFill(Node node, Rational value) => node.Primitive is Primitive.Constant { Values: UniformTensor fill } && fill.Value == value;

    readonly struct NodeKey(Primitive primitive, IReadOnlyList<Node> operands, Shape shape) : IEquatable<NodeKey>
    {
        readonly Primitive _primitive = primitive;
        readonly IReadOnlyList<Node> _operands = operands;
        readonly Shape _shape = shape;

        public bool Equals(NodeKey other)
        {
            if (_shape != other._shape || _operands.Count != other._operands.Count || !_primitive.Equals(other._primitive)) return false;
            for (var k = 0; k < _operands.Count; k++)
                if (!ReferenceEquals(_operands[k], other._operands[k])) return false;
            return true;
        }

        public override bool Equals(object? obj) => obj is NodeKey other && Equals(other);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            hash.Add(_primitive);
            hash.Add(_shape);
            foreach (var operand in _operands) hash.Add(operand.Id);
            return hash.ToHashCode();
        }
    }
}
