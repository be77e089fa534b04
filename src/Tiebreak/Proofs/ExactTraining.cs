using Tiebreak.Numbers;

namespace Tiebreak.Proofs;

/// <summary>
/// Gradient descent from the real start in a field, for programs of sums, products and quotients only: fresh data, loss and learning rate at every step. Every value is then a
/// quotient of polynomials with rational coefficients in what is drawn, so different residues are a proof that the two differ for almost all rational numbers in their place.
/// </summary>
sealed class ExactTraining : ITrainingRun
{
    readonly ClassStarts _starts;
    readonly FieldGradient _gradient;
    readonly RandomFunction _random;
    readonly PrimeField _field;
    readonly ulong[][] _start;
    readonly ulong[][] _point;
    readonly ulong[][] _slopes;
    readonly sbyte[] _signs; // of classes that start at zero: of their first value that is not

    public ExactTraining(ClassStarts starts, FieldGradient gradient, ulong seed)
    {
        (_starts, _gradient) = (starts, gradient);
        _random = new RandomFunction(seed, RandomFunction.Purpose("exact training"));
        (_field, _start) = gradient.Begin(seed);
        _point = [.. _start.Select(tensor => tensor.ToArray())];
        _slopes = gradient.Zeros();
        _signs = [.. starts.Signs];
    }

    public bool Advance(int step)
    {
        if (!_gradient.TryEvaluate(_field, _random.Word(2 * (ulong)step), _point, _slopes)) return false;
        var rate = _random.Below(_field.Modulus, 2 * (ulong)step + 1);
        for (var tensor = 0; tensor < _point.Length; tensor++)
        {
            var (point, slopes) = (_point[tensor], _slopes[tensor]);
            for (var k = 0; k < point.Length; k++)
                if (slopes[k] != 0) point[k] = _field.Subtract(point[k], _field.Multiply(rate, slopes[k]));
        }

        RequireThePartition(step);
        for (var number = 1; number < _signs.Length; number++)
            if (_signs[number] == 0 && Value(number) is var value and not 0) _signs[number] = value > _field.Modulus / 2 ? (sbyte)-1 : (sbyte)1;
        return true;
    }

    public bool HasMoved(int number) => Value(number) != _start[_starts.Tensors[number]][_starts.Places[number]];

    public void Cluster(int[] block, Span<int> clusters)
    {
        var known = new Dictionary<ulong, int>(block.Length);
        for (var k = 0; k < block.Length; k++)
        {
            var value = Value(block[k]);
            if (_signs[block[k]] < 0) value = _field.Negate(value);
            if (!known.TryGetValue(value, out clusters[k])) known.Add(value, clusters[k] = known.Count);
        }
    }

    ulong Value(int number) => _point[_starts.Tensors[number]][_starts.Places[number]];

    // What is proved must hold here, too, with certainty.
    void RequireThePartition(int step)
    {
        for (var tensor = 0; tensor < _point.Length; tensor++)
        {
            var codes = _starts.Partition.Codes[tensor];
            for (var k = 0; k < codes.Length; k++)
            {
                var expected = codes[k] == 0 ? _start[tensor][k] : codes[k] > 0 ? Value(codes[k]) : _field.Negate(Value(-codes[k]));
                if (_point[tensor][k] == expected) continue;
                var name = _starts.Model.Parameters[tensor].Name;
                throw new InvalidOperationException(codes[k] == 0
                    ? $"exact training moved position {k} of `{name}` at step {step}, which was said to be stuck; please report this model"
                    : $"exact training told position {k} of `{name}` apart from `{_starts.NameOf(Math.Abs(codes[k]))}` at step {step}, though they were said to be in lockstep; please report this model");
            }
        }
    }
}
