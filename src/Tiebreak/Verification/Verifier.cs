using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Verification;

/// <summary>What is assumed beyond the program itself.</summary>
public sealed record VerifierOptions
{
    /// <summary>What all random choices are made from; unpredictable bytes, or a fixed seed for a repeatable run.</summary>
    public required byte[] Key { get; init; }

    /// <summary>The largest acceptable chance that a false claim is called proved.</summary>
    public double ErrorBound { get; init; } = 1e-18;

    /// <summary>What all numbers of the data lie in; null for anything.</summary>
    public (double Low, double High)? InputRange { get; init; }

    /// <summary>Whether weight decay moves what is not zero.</summary>
    public bool Decays { get; init; }

    /// <summary>The parameter group of a tensor.</summary>
    public Func<string, int> GroupOf { get; init; } = static _ => 0;

    /// <summary>
    /// The most multiplications to spend on checking everything: if the points alone take more, a sample of the claim is checked, and if the rounds do, they are left out. Nothing in a certificate has a say in it.
    /// </summary>
    public double MostWork { get; init; } = 4e9;

    /// <summary>Told what is going on.</summary>
    public Action<string>? Progress { get; init; }

    /// <summary>Stops the work.</summary>
    public CancellationToken Cancellation { get; init; }
}

/// <summary>
/// Checks a claim about a model, sharing nothing with the analysis that made it but the reading of the file: the start lies in the claimed set; at random points of the set the gradient is zero on what is
/// stuck and equal up to sign within each class, so training cannot leave the set; and the rounds of theory §3, run again, end in the same set with the same first steps, so no smaller set would do.
/// </summary>
public sealed class Verifier
{
    const int MostPoints = 8;
    const int MostRounds = 10_000;
    const double Hash = 100; // what is drawn takes as long as so many products

    readonly Model _model;
    readonly Claim _claim;
    readonly VerifierOptions _options;
    readonly Randomness _random;
    readonly Dictionary<string, int> _index;
    readonly Dictionary<string, ExactTensor> _frozen;
    readonly Portions _portions;
    bool _metKinks;
    long _openGates;

    Verifier(Model model, Claim claim, VerifierOptions options)
    {
        (_model, _claim, _options, _random, _portions) = (model, claim, options, new Randomness(options.Key), new Portions(options.Cancellation));
        _index = Enumerable.Range(0, model.Parameters.Count).ToDictionary(k => model.Parameters[k].Name, StringComparer.Ordinal);
        _frozen = model.Frozen.ToDictionary(parameter => parameter.Name, parameter => parameter.Start, StringComparer.Ordinal);
    }

    /// <summary>Checks a claim.</summary>
    /// <param name="model">The model at the sizes of the claim.</param>
    /// <param name="claim">What is claimed of its parameters; as many codes as there are.</param>
    /// <param name="options">Randomness, bound and assumptions.</param>
    /// <exception cref="TiebreakException">The model is too large for a plain check.</exception>
    /// <exception cref="OperationCanceledException">Cancelled through the options.</exception>
    public static Verdict Check(Model model, Claim claim, VerifierOptions options) => new Verifier(model, claim, options).Check();

    Verdict Check()
    {
        var bits = _model.Parameters.Concat(_model.Frozen).Select(parameter => parameter.Start.MostBits)
            .Concat(_model.Program.Nodes.Select(node => node.Primitive).OfType<Primitive.Constant>().Select(constant => constant.Values.MostBits)).Append(64).Max();
        var epsilon = PlainErrorBound.Of(_model.Program, bits);
        var points = epsilon >= 1 ? MostPoints : (int)Math.Clamp(Math.Ceiling(Math.Log(_options.ErrorBound) / Math.Log(epsilon)), 1, MostPoints);
        if (_claim.Malformed() is { } malformed) throw new TiebreakException($"the certificate is malformed: {malformed}; it was changed, or is no certificate of this tool");
        var work = 3 * _model.Program.Nodes.Sum(Multiplications);
        var sample = work * points <= _options.MostWork ? Sample.All(_claim) : Sample.Draw(_claim, _random.For("sample"));
        var bound = Math.Pow(epsilon, points);
        var verdict = new Verdict(null, points, bound, sample.Classes, _claim.Classes, sample.Stuck, _claim.Stuck, null);
        if (OutsideStart() is { } outside) return verdict with { Violation = outside };
        if (bound > _options.ErrorBound) return verdict with { Violation = $"could not confirm it: {points} points would overlook a false claim with chance {bound:0.#e-0}, more than the {_options.ErrorBound:0.#e-0} asked for; the model's degree is too high for this check" };

        for (var point = 1; point <= points; point++)
        {
            _options.Progress?.Invoke($"point {point} of {points}");
            if (Contradiction(point, sample) is { } violation) return verdict with { Violation = violation, MetKinks = _metKinks };
        }

        return (sample.IsAll ? Smallest(verdict, (int)Math.Min(MostRounds, _options.MostWork / Math.Max(1, work) - points)) : verdict) with { MetKinks = _metKinks };
    }

    static double Multiplications(Node node) => node.Primitive is not Primitive.Contract contract ? node.Shape.Count * (node.Primitive is Primitive.Parameter or Primitive.Data or Primitive.Apply or Primitive.Reciprocal or Primitive.Choose ? Hash / 3 : 1)
        : contract.Left.Where(letter => !contract.Output.Contains(letter)).Aggregate((double)node.Shape.Count, (product, letter) => product * node.Operands[0].Shape[contract.Left.IndexOf(letter, StringComparison.Ordinal)]);

    // Stuck parameters may start anywhere (but under decay at zero); members of a class at one magnitude, with the signs of the class.
    string? OutsideStart()
    {
        var firsts = new (int Tensor, int Place, Rational Start)?[_claim.Classes + 1];
        for (var tensor = 0; tensor < _claim.Codes.Count; tensor++)
        {
            _options.Cancellation.ThrowIfCancellationRequested();
            var (codes, start) = (_claim.Codes[tensor], _model.Parameters[tensor].Start);
            for (var k = 0; k < codes.Length; k++)
            {
                if (codes[k] == 0)
                {
                    if (_options.Decays && !start[k].IsZero) return $"{Name(tensor, k)} is said to be stuck, but weight decay moves it from {start[k].ToShortString()}";
                    continue;
                }

                var value = codes[k] < 0 ? -start[k] : start[k];
                var number = Math.Abs(codes[k]);
                if (firsts[number] is not { } first) firsts[number] = (tensor, k, value);
                else if (first.Start != value)
                    return $"{Name(tensor, k)} starts at {start[k].ToShortString()}, which does not suit {Name(first.Tensor, first.Place)} of the same class, {first.Start.ToShortString()}";
                else if (_options.GroupOf(_model.Parameters[tensor].Name) != _options.GroupOf(_model.Parameters[first.Tensor].Name))
                    return $"{Name(tensor, k)} and {Name(first.Tensor, first.Place)} are said to be in lockstep, but have learning rates of their own";
            }
        }

        return null;
    }

    string? Contradiction(int point, Sample sample)
    {
        if (Gradient([.. _claim.Codes], $"point {point}", sample.Wanted(_model.Parameters), out var residues) is not { } gradient) return "at a random point of the claimed set the model divides by zero";
        var firsts = new (int Tensor, int Place, UInt128 Slope)?[_claim.Classes + 1];
        for (var tensor = 0; tensor < gradient.Length; tensor++)
        {
            var codes = _claim.Codes[tensor];
            for (var k = 0; k < codes.Length; k++)
            {
                if (!sample.Has(tensor, k)) continue;
                var slope = gradient[tensor][k];
                if (codes[k] == 0)
                {
                    if (slope != 0) return Contradicted($"{Name(tensor, k)} is said to be stuck, but its gradient is not zero");
                    continue;
                }

                if (codes[k] < 0) slope = residues.Negate(slope);
                if (firsts[Math.Abs(codes[k])] is not { } first) firsts[Math.Abs(codes[k])] = (tensor, k, slope);
                else if (first.Slope != slope) return Contradicted($"{Name(tensor, k)} and {Name(first.Tensor, first.Place)} are said to be {(codes[k] > 0 ? "in lockstep" : "mirrored")}, but their gradients differ");
            }
        }

        return null;
    }

    // Where order decides no gate, a gradient that differs refutes the claim; where gates are left open, the analysis may have seen more.
    string Contradicted(string what) => _openGates == 0 ? what
        : $"could not confirm it: {what} where the bounds of this plain check leave {_openGates:N0} {(_openGates == 1 ? "gate" : "gates")} (relu, maximum, absolute value) undecided";

    Verdict Smallest(Verdict verdict, int mostRounds)
    {
        var start = _model.Parameters.Select(parameter => Enumerable.Range(0, (int)parameter.Shape.Count).Select(k => parameter.Start[k]).ToArray()).ToArray();
        var all = _model.Parameters.ToDictionary(parameter => parameter.Name, _ => (bool[]?)null, StringComparer.Ordinal);
        Residues? last = null;
        try
        {
            var found = PlainRounds.Run(
                mostRounds, start, [.. _model.Parameters.Select(parameter => _options.GroupOf(parameter.Name))], _options.Decays,
                (codes, round) =>
                {
                    _options.Progress?.Invoke($"round {round}");
                    return Gradient(codes, "rounds", all, out last, round) ?? throw new SingularPointException();
                },
                slope => last!.IsNegative(slope), slope => last!.Negate(slope));
            return found is var (claim, rounds) ? verdict with { Rounds = rounds, Violation = Difference(claim) is { } difference ? Contradicted(difference) : null } : verdict;
        }
        catch (SingularPointException)
        {
            return verdict with { Violation = "on the way to the claimed set the model divides by zero" };
        }
    }

    string? Difference(Claim found)
    {
        for (var tensor = 0; tensor < found.Codes.Count; tensor++)
        {
            for (var k = 0; k < found.Codes[tensor].Length; k++)
            {
                var (claimed, is_) = (_claim.Codes[tensor][k], found.Codes[tensor][k]);
                if (claimed != is_)
                {
                    return is_ == 0 ? $"{Name(tensor, k)} is said to move, but is not seen to" : claimed == 0 ? $"{Name(tensor, k)} is said to be stuck, but moves"
                        : $"{Name(tensor, k)} is put into class {claimed} where the rounds end with {is_}: it is not held together with the same parameters";
                }

                if (is_ != 0 && _claim.FirstSteps[Math.Abs(is_)] != found.FirstSteps[Math.Abs(is_)])
                    return $"{Name(tensor, k)} is said to move first at step {_claim.FirstSteps[Math.Abs(is_)]}, and does at step {found.FirstSteps[Math.Abs(is_)]}";
            }
        }

        return null;
    }

    // The gradient at a random point of a set, for which a prime is drawn; the same prime in all rounds, whose sets are compared by numbers of one kind. Null where the model divides by zero.
    UInt128[][]? Gradient(int[][] codes, string purpose, IReadOnlyDictionary<string, bool[]?> wanted, out Residues residues, int number = 0)
    {
        for (var attempt = 0; ; attempt++)
        {
            residues = new Residues(_random.For($"prime {purpose} {attempt}").Prime());
            try
            {
                return Gradient(codes, residues, _random.For($"{purpose} {number} {attempt}"), wanted);
            }
            catch (DivideByZeroException) when (attempt < 8)
            {
                // The prime divides the denominator of a constant: draw another.
            }
            catch (SingularPointException)
            {
                return null;
            }
        }
    }

    UInt128[][] Gradient(int[][] codes, Residues residues, Randomness random, IReadOnlyDictionary<string, bool[]?> wanted)
    {
        var classes = random.For("classes");
        UInt128[] Values(Primitive.Parameter parameter, Shape shape)
        {
            var values = new UInt128[shape.Count];
            var frozen = _frozen.GetValueOrDefault(parameter.Name);
            var tensor = frozen is null ? _index[parameter.Name] : -1;
            _portions.Of(values.Length, Hash, (from, to) =>
            {
                for (var k = from; k < to; k++)
                {
                    var code = frozen is null ? codes[tensor][k] : 0;
                    var value = code == 0 ? residues.Of((frozen ?? _model.Parameters[tensor].Start)[k]) : classes.Draw(residues, (UInt128)Math.Abs(code));
                    values[k] = code < 0 ? residues.Negate(value) : value;
                }
            });
            return values;
        }

        var ranges = _model.Program.Nodes.Any(PlainRanges.IsGate) ? new PlainRanges(_model.Program, node => Range(node, codes), _options.Cancellation) : null;
        var point = new PlainPoint(_model.Program, residues, random, Values, node => ranges?.Known(node), _options.Cancellation);
        _metKinks |= point.MetKinks || ranges?.TouchesKinks == true;
        _openGates = ranges?.OpenGates ?? 0;
        var gradient = point.Gradient(_model.OutputIsLoss, wanted);
        return [.. _model.Parameters.Select(parameter => gradient.GetValueOrDefault(parameter.Name) ?? new UInt128[parameter.Shape.Count])];
    }

    PlainRange[] Range(Node node, int[][] codes)
    {
        var result = new PlainRange[node.Shape.Count];
        for (var k = 0; k < result.Length; k++)
        {
            result[k] = node.Primitive switch
            {
                Primitive.Constant constant => RangeOf(constant.Values, k),
                Primitive.Parameter parameter when _frozen.TryGetValue(parameter.Name, out var frozen) => RangeOf(frozen, k),
                Primitive.Parameter parameter => codes[_index[parameter.Name]][k] == 0 ? RangeOf(_model.Parameters[_index[parameter.Name]].Start, k) : PlainRange.Any,
                Primitive.Data { Kind: DataKind.Distribution } => new PlainRange(0, 1),
                Primitive.Data { Kind: DataKind.Mask } => new PlainRange(0, double.PositiveInfinity),
                Primitive.Data { Kind: DataKind.Free } when _options.InputRange is var (low, high) => new PlainRange(low, high),
                _ => PlainRange.Any,
            };
        }

        return result;
    }

    /// <summary>What an exact value lies in.</summary>
    internal static PlainRange RangeOf(ExactTensor values, long place) => values[place] is var value && value.IsZero ? default : PlainRange.Around(value.ToDouble(), values.HasDoubles);

    string Name(int tensor, int place)
    {
        var shape = _model.Parameters[tensor].Shape;
        var strides = shape.Strides();
        return $"`{_model.Parameters[tensor].Name}{(shape.Rank == 0 ? "" : $"[{string.Join(',', strides.Select((stride, axis) => place / stride % shape[axis]))}]")}`";
    }
}
