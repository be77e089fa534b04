using Tiebreak.Programs;

namespace Tiebreak.Verification;

/// <summary>
/// A program and the gradient of its loss at one random point, element by element as the definitions say, modulo one prime. Deliberately plain: one array a node, loops over elements, and
/// the chain rule written out once for each primitive. Its speed is that of the arithmetic.
/// </summary>
sealed class PlainPoint
{
    const long MostElements = 1L << 26; // values and adjoints: 2 GiB

    readonly TensorProgram _program;
    readonly Residues _residues;
    readonly PlainFunctions _functions;
    readonly Randomness _random;
    readonly Func<Primitive.Parameter, Shape, UInt128[]> _parameter;
    readonly Func<Node, sbyte[]?> _gate;
    readonly CancellationToken _cancellation;
    readonly UInt128[][] _values;

    /// <summary>Evaluates the program.</summary>
    /// <param name="program">From parameters and data to outputs.</param>
    /// <param name="residues">The field.</param>
    /// <param name="random">What data, functions and the loss are drawn from.</param>
    /// <param name="parameter">The values of a parameter.</param>
    /// <param name="gate">What is known of a gate's values by order (1, 0, −1, or anything else for nothing); null for nothing at all.</param>
    /// <param name="cancellation">Stops the work.</param>
    /// <exception cref="SingularPointException">It divides by zero here.</exception>
    /// <exception cref="TiebreakException">It is too large.</exception>
    public PlainPoint(TensorProgram program, Residues residues, Randomness random, Func<Primitive.Parameter, Shape, UInt128[]> parameter, Func<Node, sbyte[]?> gate, CancellationToken cancellation)
    {
        (_program, _residues, _random, _parameter, _gate, _cancellation) = (program, residues, random, parameter, gate, cancellation);
        _functions = new PlainFunctions(residues, random.For("functions"));
        var isNeeded = Needed(program);
        var elements = program.Nodes.Sum(node => isNeeded[node.Id] ? node.Shape.Count : 0);
        if (elements > MostElements) throw new TiebreakException($"the model has {elements:N0} values at these sizes, and the verifier, which keeps them all, takes {MostElements:N0}; certify it at smaller sizes (`--dim`, `--batch`)");
        _values = new UInt128[program.Nodes.Count][];
        foreach (var node in program.Nodes)
        {
            cancellation.ThrowIfCancellationRequested();
            _values[node.Id] = isNeeded[node.Id] ? Value(node) : [];
        }
    }

    /// <summary>Which nodes the outputs depend on.</summary>
    public static bool[] Needed(TensorProgram program)
    {
        var isNeeded = new bool[program.Nodes.Count];
        foreach (var (_, output) in program.Outputs) isNeeded[output.Id] = true;
        foreach (var node in program.Nodes.Reverse())
            if (isNeeded[node.Id])
                foreach (var operand in node.Operands) isNeeded[operand.Id] = true;
        return isNeeded;
    }

    /// <summary>The gradient of the loss by parameters: for each name one number an element. What the loss does not depend on is left out.</summary>
    /// <param name="outputIsLoss">Whether the sum of the outputs is the loss; else each element of each output gets a random adjoint: any loss.</param>
    /// <param name="wanted">For each parameter which elements are wanted: null for all; a parameter that is left out is not differentiated by.</param>
    public IReadOnlyDictionary<string, UInt128[]> Gradient(bool outputIsLoss, IReadOnlyDictionary<string, bool[]?> wanted)
    {
        var isNeeded = _program.DependsOn(leaf => leaf is Primitive.Parameter parameter && wanted.ContainsKey(parameter.Name));
        var adjoints = new UInt128[]?[_program.Nodes.Count];
        foreach (var (name, node) in _program.Outputs)
        {
            if (!isNeeded[node.Id]) continue;
            var seed = _random.For($"loss of {name}");
            var adjoint = adjoints[node.Id] ??= new UInt128[node.Shape.Count];
            for (var k = 0; k < adjoint.Length; k++) adjoint[k] = _residues.Add(adjoint[k], outputIsLoss ? _residues.One : seed.Draw(_residues, (UInt128)k));
        }

        var gradients = new Dictionary<string, UInt128[]>(StringComparer.Ordinal);
        foreach (var node in _program.Nodes.Reverse())
        {
            if (adjoints[node.Id] is not { } adjoint) continue;
            _cancellation.ThrowIfCancellationRequested();
            if (node.Primitive is Primitive.Parameter parameter) gradients.Add(parameter.Name, adjoint);
            UInt128[]? Of(int operand) => isNeeded[node.Operands[operand].Id] ? adjoints[node.Operands[operand].Id] ??= new UInt128[node.Operands[operand].Shape.Count] : null;
            Backward(node, adjoint, Of, wanted);
            adjoints[node.Id] = null;
        }

        return gradients;
    }

    UInt128[] Value(Node node)
    {
        UInt128[] X(int operand = 0) => _values[node.Operands[operand].Id];
        var result = new UInt128[node.Shape.Count];
        switch (node.Primitive)
        {
            case Primitive.Parameter parameter:
                return _parameter(parameter, node.Shape);
            case Primitive.Data data:
                return Data(data, node.Shape);
            case Primitive.Constant constant:
                var residues = new Dictionary<Tiebreak.Numbers.Rational, UInt128>();
                for (var k = 0; k < result.Length; k++)
                {
                    var exact = constant.Values[k];
                    if (!residues.TryGetValue(exact, out result[k])) residues.Add(exact, result[k] = _residues.Of(exact));
                }

                break;
            case Primitive.Add:
                for (var k = 0; k < result.Length; k++) result[k] = _residues.Add(X()[k], X(1)[k]);
                break;
            case Primitive.Multiply:
                for (var k = 0; k < result.Length; k++) result[k] = _residues.Multiply(X()[k], X(1)[k]);
                break;
            case Primitive.Negate:
                for (var k = 0; k < result.Length; k++) result[k] = _residues.Negate(X()[k]);
                break;
            case Primitive.Reciprocal:
                for (var k = 0; k < result.Length; k++) result[k] = X()[k] == 0 ? throw new SingularPointException() : _residues.Inverse(X()[k]);
                break;
            case Primitive.Apply apply:
                for (var k = 0; k < result.Length; k++) result[k] = _functions.Value(apply.Function, X()[k]);
                Decide(node, result);
                break;
            case Primitive.Choose choose:
                var width = node.Shape[node.Shape.Rank - 1];
                for (var start = 0; start < result.Length; start += width) _functions.Shares(X()[start..(start + width)], choose, start).CopyTo(result, start);
                Decide(node, result);
                break;
            case Primitive.Contract contract:
                foreach (var (left, right, at) in new ContractTerms(contract, node)) result[at] = _residues.Add(result[at], _residues.Multiply(X()[left], X(1)[right]));
                break;
            case Primitive.ReduceSum reduce:
                var to = Reduced(node, reduce).GetEnumerator();
                foreach (var value in X())
                {
                    to.MoveNext();
                    result[to.Current] = _residues.Add(result[to.Current], value);
                }

                break;
            case Primitive.ScatterAdd scatter:
                var from = 0;
                foreach (var at in Copies.Positions(scatter.Map))
                {
                    if (at >= 0) result[at] = _residues.Add(result[at], X()[from]);
                    from++;
                }

                break;
            default:
                var element = 0;
                foreach (var (operand, at) in Copies.Of(node)) result[element++] = at < 0 ? 0 : X(operand)[at];
                break;
        }

        return result;
    }

    void Backward(Node node, UInt128[] adjoint, Func<int, UInt128[]?> of, IReadOnlyDictionary<string, bool[]?> wanted)
    {
        UInt128[] X(int operand = 0) => _values[node.Operands[operand].Id];
        void Add(UInt128[] to, int at, UInt128 term) => to[at] = _residues.Add(to[at], term);
        switch (node.Primitive)
        {
            case Primitive.Parameter or Primitive.Data or Primitive.Constant or Primitive.Choose: // a choice is locally constant
                break;
            case Primitive.Add:
                for (var operand = 0; operand < 2; operand++)
                    if (of(operand) is { } sum)
                        for (var k = 0; k < adjoint.Length; k++) Add(sum, k, adjoint[k]);
                break;
            case Primitive.Multiply:
                for (var operand = 0; operand < 2; operand++)
                    if (of(operand) is { } factor)
                        for (var k = 0; k < adjoint.Length; k++) Add(factor, k, _residues.Multiply(adjoint[k], X(1 - operand)[k]));
                break;
            case Primitive.Negate:
                for (var k = 0; k < adjoint.Length; k++) Add(of(0)!, k, _residues.Negate(adjoint[k]));
                break;
            case Primitive.Reciprocal:
                for (var k = 0; k < adjoint.Length; k++) Add(of(0)!, k, _residues.Negate(_residues.Multiply(adjoint[k], _residues.Multiply(_values[node.Id][k], _values[node.Id][k]))));
                break;
            case Primitive.Apply apply:
                for (var k = 0; k < adjoint.Length; k++) Add(of(0)!, k, _residues.Multiply(adjoint[k], _functions.Derivative(apply.Function, X()[k], _values[node.Id][k])));
                break;
            case Primitive.Contract contract:
                var (one, other) = (of(0), of(1));
                var (wantedLeft, wantedRight) = (Wanted(node.Operands[0], wanted), Wanted(node.Operands[1], wanted));
                foreach (var (left, right, at) in new ContractTerms(contract, node))
                {
                    if (one is not null && wantedLeft?[left] != false) Add(one, left, _residues.Multiply(adjoint[at], X(1)[right]));
                    if (other is not null && wantedRight?[right] != false) Add(other, right, _residues.Multiply(adjoint[at], X()[left]));
                }

                break;
            case Primitive.ReduceSum reduce:
                var element = 0;
                foreach (var at in Reduced(node, reduce)) Add(of(0)!, element++, adjoint[at]);
                break;
            case Primitive.ScatterAdd scatter:
                var target = 0;
                foreach (var at in Copies.Positions(scatter.Map))
                {
                    if (at >= 0) Add(of(0)!, target, adjoint[at]);
                    target++;
                }

                break;
            default:
                var place = 0;
                foreach (var (operand, at) in Copies.Of(node))
                {
                    if (at >= 0 && of(operand) is { } source) Add(source, at, adjoint[place]);
                    place++;
                }

                break;
        }
    }

    // A weight that is multiplied as it stands need not be differentiated by where nobody asks.
    static bool[]? Wanted(Node operand, IReadOnlyDictionary<string, bool[]?> wanted) =>
        operand.Primitive is Primitive.Parameter parameter && wanted.TryGetValue(parameter.Name, out var elements) ? elements : null;

    void Decide(Node node, UInt128[] values)
    {
        if (_gate(node) is not { } known) return;
        for (var k = 0; k < values.Length; k++)
            if (known[k] is 0 or 1 or -1) values[k] = known[k] == 0 ? 0 : known[k] > 0 ? _residues.One : _residues.Negate(_residues.One);
    }

    UInt128[] Data(Primitive.Data data, Shape shape)
    {
        var random = _random.For($"data {data.Name}");
        var values = new UInt128[shape.Count];
        for (var k = 0; k < values.Length; k++) values[k] = random.Draw(_residues, (UInt128)k);
        if (data.Kind != DataKind.Distribution || values.Length == 0) return values;
        var width = shape[shape.Rank - 1];
        for (var last = width - 1; last < values.Length; last += width)
        {
            values[last] = _residues.One;
            for (var k = last - width + 1; k < last; k++) values[last] = _residues.Add(values[last], _residues.Negate(values[k]));
        }

        return values;
    }

    // For each element of what is summed the element of the sum it goes to.
    static IEnumerable<int> Reduced(Node node, Primitive.ReduceSum reduce)
    {
        var (own, next) = (node.Shape.Strides(), 0);
        var shape = node.Operands[0].Shape;
        return Copies.Offsets(shape, [.. Enumerable.Range(0, shape.Rank).Select(axis => reduce.Axes.Contains(axis) ? 0 : own[next++])]);
    }
}
