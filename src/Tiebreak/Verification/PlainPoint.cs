using Tiebreak.Programs;

namespace Tiebreak.Verification;

/// <summary>
/// A program and the gradient of its loss at one random point, element by element as the definitions say, modulo one prime. Deliberately plain: one array a node, loops over elements, and
/// the chain rule written out once for each primitive. Its speed is that of the arithmetic.
/// </summary>
sealed class PlainPoint
{
    const int BytesAnElement = 40; // a value, for some time an adjoint, and the places where it is read
    const double ShareOfMemory = 0.7;
    const int CheckEvery = 1 << 16;

    readonly TensorProgram _program;
    readonly Residues _residues;
    readonly PlainFunctions _functions;
    readonly Randomness _random;
    readonly Func<Primitive.Parameter, Shape, UInt128[]> _parameter;
    readonly Func<Node, sbyte[]?> _gate;
    readonly CancellationToken _cancellation;
    readonly Portions _portions;
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
        _portions = new Portions(cancellation);
        _functions = new PlainFunctions(residues, random.For("functions"));
        var isNeeded = Needed(program);
        var elements = program.Nodes.Sum(node => isNeeded[node.Id] ? node.Shape.Count : 0);
        var mostElements = (long)(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes * ShareOfMemory / BytesAnElement);
        if (elements > mostElements) throw new TiebreakException($"the model has {elements:N0} values at these sizes, and the verifier, which keeps them all, has memory for {mostElements:N0}; certify it at smaller sizes (`--dim`, `--batch`)");
        _values = new UInt128[program.Nodes.Count][];
        foreach (var node in program.Nodes)
        {
            cancellation.ThrowIfCancellationRequested();
            _values[node.Id] = isNeeded[node.Id] ? Value(node) : [];
        }
    }

    /// <summary>Whether a kink was met.</summary>
    public bool MetKinks => _functions.MetKinks;

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
        const int Function = 100; // a hash takes as long as so many products
        var x = node.Operands.Count > 0 ? _values[node.Operands[0].Id] : [];
        var y = node.Operands.Count > 1 ? _values[node.Operands[1].Id] : [];
        switch (node.Primitive)
        {
            case Primitive.Parameter parameter:
                return _parameter(parameter, node.Shape);
            case Primitive.Data data:
                return Data(data, node.Shape);
            case Primitive.Reshape:
                return x; // nobody writes into values
        }

        var result = new UInt128[node.Shape.Count];
        void Each(double work, Func<int, UInt128> element) => _portions.Of(result.Length, work, (from, to) =>
        {
            for (var k = from; k < to; k++) result[k] = element(k);
        });
        switch (node.Primitive)
        {
            case Primitive.Constant constant:
                var residues = new Dictionary<Tiebreak.Numbers.Rational, UInt128>();
                for (var k = 0; k < result.Length; k++)
                {
                    var exact = constant.Values[k];
                    if (!residues.TryGetValue(exact, out result[k])) residues.Add(exact, result[k] = _residues.Of(exact));
                }

                break;
            case Primitive.Add:
                Each(1, k => _residues.Add(x[k], y[k]));
                break;
            case Primitive.Multiply:
                Each(1, k => _residues.Multiply(x[k], y[k]));
                break;
            case Primitive.Negate:
                Each(1, k => _residues.Negate(x[k]));
                break;
            case Primitive.Reciprocal:
                Each(2 * Function, k => x[k] == 0 ? throw new SingularPointException() : _residues.Inverse(x[k]));
                break;
            case Primitive.Apply apply:
                Each(Function, k => _functions.Value(apply.Function, x[k]));
                Decide(node, result);
                break;
            case Primitive.Choose choose:
                var width = node.Shape[node.Shape.Rank - 1];
                if (result.Length > 0)
                {
                    _portions.Of(result.Length / width, 4.0 * Function * width, (from, to) =>
                    {
                        for (var start = from * width; start < to * width; start += width) _functions.Shares(x[start..(start + width)], choose, start).CopyTo(result, start);
                    });
                }

                Decide(node, result);
                break;
            case Primitive.Contract contract:
                var sums = SumOfProducts.Of(node, contract);
                Each(sums.LeftSteps.Length, k => sums.Start(k) is var (left, right) ? _residues.Sum(x, left, sums.LeftSteps, y, right, sums.RightSteps) : 0);
                break;
            case Primitive.ReduceSum reduce:
                AddInto(result, Copies.WithoutAxes(node.Operands[0].Shape, node.Shape, reduce.Axes), x);
                break;
            case Primitive.ScatterAdd scatter:
                AddInto(result, Copies.Positions(scatter.Map), x);
                break;
            case Primitive.Concat concat:
                foreach (var (operand, from, to, length) in Copies.Runs(node, concat)) Array.Copy(_values[node.Operands[operand].Id], from, result, to, length);
                break;
            default:
                var at = Copies.Of(node);
                Each(1, k => at[k] < 0 ? 0 : x[at[k]]);
                break;
        }

        return result;
    }

    // into[at[k]] += terms[k], where at[k] is a place.
    void AddInto(UInt128[] into, int[] at, UInt128[] terms)
    {
        for (var k = 0; k < at.Length; k++)
        {
            if (at[k] >= 0) into[at[k]] = _residues.Add(into[at[k]], terms[k]);
            if (k % CheckEvery == 0) _cancellation.ThrowIfCancellationRequested();
        }
    }

    void Backward(Node node, UInt128[] adjoint, Func<int, UInt128[]?> of, IReadOnlyDictionary<string, bool[]?> wanted)
    {
        const int Derivative = 100; // as for functions
        UInt128[] X(int operand = 0) => _values[node.Operands[operand].Id];
        void Each(int operand, double work, Func<int, UInt128> term, bool[]? flags = null)
        {
            if (of(operand) is not { } to) return;
            _portions.Of(to.Length, work, (from, until) =>
            {
                for (var k = from; k < until; k++)
                    if (flags?[k] != false) to[k] = _residues.Add(to[k], term(k));
            });
        }

        switch (node.Primitive)
        {
            case Primitive.Parameter or Primitive.Data or Primitive.Constant or Primitive.Choose: // a choice is locally constant
                break;
            case Primitive.Add:
                for (var operand = 0; operand < 2; operand++) Each(operand, 1, k => adjoint[k]);
                break;
            case Primitive.Multiply:
                for (var operand = 0; operand < 2; operand++)
                {
                    var other = X(1 - operand);
                    Each(operand, 1, k => _residues.Multiply(adjoint[k], other[k]));
                }

                break;
            case Primitive.Negate:
                Each(0, 1, k => _residues.Negate(adjoint[k]));
                break;
            case Primitive.Reciprocal:
                var inverse = _values[node.Id];
                Each(0, 2, k => _residues.Negate(_residues.Multiply(adjoint[k], _residues.Multiply(inverse[k], inverse[k]))));
                break;
            case Primitive.Apply apply:
                var (x, y) = (X(), _values[node.Id]);
                Each(0, Derivative, k => _residues.Multiply(adjoint[k], _functions.Derivative(apply.Function, x[k], y[k])));
                break;
            case Primitive.Contract contract:
                for (var operand = 0; operand < 2; operand++)
                {
                    var (sums, factor) = (SumOfProducts.Adjoint(node, contract, operand), X(1 - operand));
                    Each(
                        operand, sums.LeftSteps.Length, k => sums.Start(k) is var (left, right) ? _residues.Sum(adjoint, left, sums.LeftSteps, factor, right, sums.RightSteps) : 0, Wanted(node.Operands[operand], wanted));
                }

                break;
            case Primitive.ReduceSum reduce:
                var place = Copies.WithoutAxes(node.Operands[0].Shape, node.Shape, reduce.Axes);
                Each(0, 1, k => adjoint[place[k]]);
                break;
            case Primitive.ScatterAdd scatter:
                var target = Copies.Positions(scatter.Map);
                Each(0, 1, k => target[k] < 0 ? 0 : adjoint[target[k]]);
                break;
            case Primitive.Reshape:
                Each(0, 1, k => adjoint[k]);
                break;
            case Primitive.Concat concat:
                foreach (var (operand, from, to, length) in Copies.Runs(node, concat))
                    if (of(operand) is { } part)
                        for (var k = 0; k < length; k++) part[from + k] = _residues.Add(part[from + k], adjoint[to + k]);
                break;
            default:
                if (of(0) is { } source) AddInto(source, Copies.Of(node), adjoint);
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
        _portions.Of(values.Length, 100, (from, to) =>
        {
            for (var k = from; k < to; k++) values[k] = random.Draw(_residues, (UInt128)k);
        });
        if (data.Kind != DataKind.Distribution || values.Length == 0) return values;
        var width = shape[shape.Rank - 1];
        for (var last = width - 1; last < values.Length; last += width)
        {
            values[last] = _residues.One;
            for (var k = last - width + 1; k < last; k++) values[last] = _residues.Add(values[last], _residues.Negate(values[k]));
        }

        return values;
    }
}
