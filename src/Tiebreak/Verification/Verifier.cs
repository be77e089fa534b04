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

    /// <summary>The most multiplications to spend on checking everything; above it a sample of the classes is checked.</summary>
    public double MostWork { get; init; } = 1e9;

    /// <summary>Told what is going on.</summary>
    public Action<string>? Progress { get; init; }

    /// <summary>Stops the work.</summary>
    public CancellationToken Cancellation { get; init; }
}

/// <summary>What a verification came to.</summary>
/// <param name="Violation">What contradicts the claim, naming a parameter; null if it is proved.</param>
/// <param name="Points">Random points at which it was checked.</param>
/// <param name="ErrorBound">The chance that these overlook a false equation of the claim.</param>
/// <param name="Classes">How many classes were checked.</param>
/// <param name="AllClasses">How many there are.</param>
/// <param name="Stuck">How many stuck parameters were checked.</param>
/// <param name="AllStuck">How many there are.</param>
/// <param name="Rounds">The rounds that found the smallest set and its first steps again; null if that was too much work.</param>
public sealed record Verdict(string? Violation, int Points, double ErrorBound, long Classes, long AllClasses, long Stuck, long AllStuck, int? Rounds)
{
    /// <summary>Whether everything that was claimed was checked and holds.</summary>
    public bool IsProved => Violation is null;
}

/// <summary>
/// Checks a claim about a model, sharing nothing with the analysis that made it but the reading of the file: the start lies in the claimed set; at random points of the set the gradient is zero on what is
/// stuck and equal up to sign within each class, so training cannot leave the set; and the rounds of theory §3, run again, end in the same set with the same first steps, so no smaller set would do.
/// </summary>
public sealed class Verifier
{
    const int MostPoints = 8;
    const int SampledMembers = 20_000;
    const int SampledStuck = 5_000;

    readonly Model _model;
    readonly Claim _claim;
    readonly VerifierOptions _options;
    readonly Randomness _random;
    readonly Dictionary<string, int> _index;
    readonly Dictionary<string, ExactTensor> _frozen;

    Verifier(Model model, Claim claim, VerifierOptions options)
    {
        (_model, _claim, _options, _random) = (model, claim, options, new Randomness(options.Key));
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
        var checkedClasses = _claim.Malformed() is { } malformed ? throw new TiebreakException($"the certificate is malformed: {malformed}; it was changed, or is no certificate of this tool") : Sample(points);
        var bound = Math.Pow(epsilon, points);
        long classes = checkedClasses is null ? _claim.Classes : checkedClasses.Count;
        var verdict = new Verdict(null, points, bound, classes, _claim.Classes, 0, _claim.Codes.Sum(codes => codes.LongCount(code => code == 0)), null);
        if (OutsideStart() is { } outside) return verdict with { Violation = outside };
        if (bound > _options.ErrorBound) return verdict with { Violation = $"{points} points would overlook a false claim with chance {bound:0.#e-0}, more than the {_options.ErrorBound:0.#e-0} asked for: the model's degree is too high for this check" };

        var wanted = Wanted(checkedClasses, out var stuck);
        verdict = verdict with { Stuck = stuck };
        for (var point = 1; point <= points; point++)
        {
            _options.Progress?.Invoke($"point {point} of {points}");
            if (Contradiction(point, checkedClasses, wanted) is { } violation) return verdict with { Violation = violation };
        }

        return checkedClasses is null ? Smallest(verdict) : verdict;
    }

    // All classes if that is not too much work; else a random sample of them.
    HashSet<int>? Sample(int points)
    {
        var rounds = _claim.FirstSteps.Max() + 3;
        var work = _model.Program.Nodes.Sum(Multiplications) * 3 * (points + rounds);
        if (work <= _options.MostWork) return null;
        var members = new int[_claim.Classes + 1];
        foreach (var codes in _claim.Codes)
            foreach (var code in codes) members[Math.Abs(code)]++;
        var random = _random.For("sample");
        var residues = new Residues(_random.For("prime of the sample").Prime());
        var sample = new HashSet<int>();
        long total = 0;
        foreach (var number in Enumerable.Range(1, _claim.Classes).OrderBy(number => random.Draw(residues, (UInt128)number)))
        {
            if (sample.Count > 0 && total + members[number] > SampledMembers) break;
            sample.Add(number);
            total += members[number];
        }

        return sample;
    }

    static double Multiplications(Node node) => node.Primitive is not Primitive.Contract contract ? node.Shape.Count
        : contract.Left.Where(letter => !contract.Output.Contains(letter)).Aggregate((double)node.Shape.Count, (product, letter) => product * node.Operands[0].Shape[contract.Left.IndexOf(letter, StringComparison.Ordinal)]);

    Dictionary<string, bool[]?> Wanted(HashSet<int>? classes, out long stuck)
    {
        stuck = 0;
        var wanted = new Dictionary<string, bool[]?>(StringComparer.Ordinal);
        var all = _claim.Codes.Sum(codes => codes.LongCount(code => code == 0));
        var stride = classes is null ? 1 : Math.Max(1, all / SampledStuck);
        long seen = 0;
        for (var tensor = 0; tensor < _claim.Codes.Count; tensor++)
        {
            var codes = _claim.Codes[tensor];
            var flags = new bool[codes.Length];
            for (var k = 0; k < codes.Length; k++)
            {
                flags[k] = codes[k] == 0 ? seen++ % stride == 0 : classes?.Contains(Math.Abs(codes[k])) != false;
                if (codes[k] == 0 && flags[k]) stuck++;
            }

            if (flags.Contains(true)) wanted.Add(_model.Parameters[tensor].Name, flags.Contains(false) ? flags : null);
        }

        return wanted;
    }

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

    string? Contradiction(int point, HashSet<int>? classes, Dictionary<string, bool[]?> wanted)
    {
        if (Gradient([.. _claim.Codes], $"point {point}", wanted, out var residues) is not { } gradient) return "at a random point of the claimed set the model divides by zero";
        var firsts = new (int Tensor, int Place, UInt128 Slope)?[_claim.Classes + 1];
        for (var tensor = 0; tensor < gradient.Length; tensor++)
        {
            var codes = _claim.Codes[tensor];
            var flags = wanted.GetValueOrDefault(_model.Parameters[tensor].Name);
            for (var k = 0; k < codes.Length; k++)
            {
                if (flags?[k] == false || (codes[k] != 0 && classes?.Contains(Math.Abs(codes[k])) == false)) continue;
                var slope = gradient[tensor][k];
                if (codes[k] == 0)
                {
                    if (slope != 0) return $"{Name(tensor, k)} is said to be stuck, but its gradient is not zero";
                    continue;
                }

                if (codes[k] < 0) slope = residues.Negate(slope);
                if (firsts[Math.Abs(codes[k])] is not { } first) firsts[Math.Abs(codes[k])] = (tensor, k, slope);
                else if (first.Slope != slope) return $"{Name(tensor, k)} and {Name(first.Tensor, first.Place)} are said to be {(codes[k] > 0 ? "in lockstep" : "mirrored")}, but their gradients differ";
            }
        }

        return null;
    }

    Verdict Smallest(Verdict verdict)
    {
        var start = _model.Parameters.Select(parameter => Enumerable.Range(0, (int)parameter.Shape.Count).Select(k => parameter.Start[k]).ToArray()).ToArray();
        var all = _model.Parameters.ToDictionary(parameter => parameter.Name, _ => (bool[]?)null, StringComparer.Ordinal);
        Residues? last = null;
        try
        {
            var (claim, rounds) = PlainRounds.Run(
                start, [.. _model.Parameters.Select(parameter => _options.GroupOf(parameter.Name))], _options.Decays,
                (codes, round) =>
                {
                    _options.Progress?.Invoke($"round {round}");
                    return Gradient(codes, "rounds", all, out last, round) ?? throw new SingularPointException();
                },
                slope => last!.IsNegative(slope), slope => last!.Negate(slope));
            return verdict with { Rounds = rounds, Violation = Difference(claim) };
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
            for (var k = 0; k < values.Length; k++)
            {
                var code = frozen is null ? codes[tensor][k] : 0;
                var value = code == 0 ? residues.Of((frozen ?? _model.Parameters[tensor].Start)[k]) : classes.Draw(residues, (UInt128)Math.Abs(code));
                values[k] = code < 0 ? residues.Negate(value) : value;
            }

            return values;
        }

        var ranges = _model.Program.Nodes.Any(PlainRanges.IsGate) ? new PlainRanges(_model.Program, node => Range(node, codes)) : null;
        var point = new PlainPoint(_model.Program, residues, random, Values, node => ranges?.Known(node), _options.Cancellation);
        var gradient = point.Gradient(_model.OutputIsLoss, wanted);
        return [.. _model.Parameters.Select(parameter => gradient.GetValueOrDefault(parameter.Name) ?? new UInt128[parameter.Shape.Count])];
    }

    PlainRange[] Range(Node node, int[][] codes)
    {
        PlainRange Of(ExactTensor values, long k) => PlainRange.Around(values[k].ToDouble(), values.HasDoubles);
        var result = new PlainRange[node.Shape.Count];
        for (var k = 0; k < result.Length; k++)
        {
            result[k] = node.Primitive switch
            {
                Primitive.Constant constant => Of(constant.Values, k),
                Primitive.Parameter parameter when _frozen.TryGetValue(parameter.Name, out var frozen) => Of(frozen, k),
                Primitive.Parameter parameter => codes[_index[parameter.Name]][k] == 0 ? Of(_model.Parameters[_index[parameter.Name]].Start, k) : PlainRange.Any,
                Primitive.Data { Kind: DataKind.Distribution } => new PlainRange(0, 1),
                Primitive.Data { Kind: DataKind.Mask } => new PlainRange(0, double.PositiveInfinity),
                Primitive.Data { Kind: DataKind.Free } when _options.InputRange is var (low, high) => new PlainRange(low, high),
                _ => PlainRange.Any,
            };
        }

        return result;
    }

    string Name(int tensor, int place)
    {
        var shape = _model.Parameters[tensor].Shape;
        var strides = shape.Strides();
        return $"`{_model.Parameters[tensor].Name}{(shape.Rank == 0 ? "" : $"[{string.Join(',', strides.Select((stride, axis) => place / stride % shape[axis]))}]")}`";
    }
}
