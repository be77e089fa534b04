using System.Globalization;
using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Numbers.Kernels.Streaming;
using Tiebreak.Programs;

namespace Tiebreak.Refinement.Streaming;

/// <summary>
/// The main algorithm (theory §3) without a state for each parameter (theory §6). A weight matrix' next state is a function of the two factors of its last gradient, which are as large as activations; its values are made while
/// it streams by, forward and backward once each round. Tensors that are small, or used otherwise than as matrices, keep their codes.
/// </summary>
sealed class StreamedSearch
{
    const int Attempts = 8;
    const int MostRounds = 1 << 10;

    readonly RefinementOptions _options;
    readonly bool _looksAtAll;
    readonly TensorProgram _gradient;
    readonly TensorProgram _frugal; // the same with less memory, for products that cost nothing
    readonly GradientFactors[] _factors;
    readonly Node[] _wanted; // the factors' nodes, each once
    readonly RoundMemory _memory = new();
    readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    readonly List<StreamedMatrix> _all; // trained matrices, then frozen ones

    /// <summary>Prepares the rounds of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="matrices">What streams: trained matrices of the model.</param>
    /// <param name="frozen">Matrices that are never trained.</param>
    /// <param name="options">Seeds and bounds.</param>
    /// <param name="looksAtAll">Whether ties that keys of rows and columns do not see are looked for among all weights, not in a sample.</param>
    public StreamedSearch(Model model, IReadOnlyList<StreamedMatrix> matrices, IReadOnlyList<StreamedMatrix> frozen, RefinementOptions options, bool looksAtAll = false)
    {
        (_options, _looksAtAll, Matrices, _all) = (options, looksAtAll, matrices, [.. matrices, .. frozen]);
        for (var k = 0; k < _all.Count; k++) _numbers.Add(_all[k].Tensor.Name, k);
        Kept = model with { Parameters = [.. model.Parameters.Where(parameter => !_numbers.ContainsKey(parameter.Name))], Frozen = [.. model.Frozen.Where(parameter => !_numbers.ContainsKey(parameter.Name))] };
        var forward = SelfGates.Of(model.Program);
        var gradient = GradientOf(model, forward);
        var outputs = gradient.Outputs.ToDictionary(output => output.Name, output => output.Node, StringComparer.Ordinal);
        _factors = [.. matrices.Select(matrix => outputs.TryGetValue(matrix.Tensor.Name, out var node) ? GradientFactors.Of(node)! : throw new ArgumentException($"{matrix.Tensor.Name} has no gradient"))];
        _wanted = [.. _factors.SelectMany(factors => factors.Nodes).Distinct()];
        _gradient = gradient.WithOutputs(
        [
            .. gradient.Outputs.Where(output => !_numbers.ContainsKey(output.Name)),
            .. _wanted.Select((node, k) => (Name(k), node)),
        ]);
        _frugal = Rematerialization.Of(_gradient, forward.Nodes.Count);
    }

    /// <summary>How many numbers a verification holds at once in each field.</summary>
    public long NumbersAtOnce => Rematerialization.MostAlive(_frugal);

    /// <summary>The matrices that stream and are trained.</summary>
    public IReadOnlyList<StreamedMatrix> Matrices { get; }

    /// <summary>The model with only the tensors that have codes.</summary>
    public Model Kept { get; }

    // How sure one verification of a set is, in the fewest fields over all verifications, or where a chance is given, of one alone; and the chance that names were confused, which all verifications share.
    (ErrorBound Bound, double Confusion) BoundOf(StreamedState state, SliceNames? names, double? once = null)
    {
        var degrees = DegreesOf(state, names);
        var choices = names is null ? RandomValues<NoZeros>.Choices : ErrorBound.FieldSize;
        var bound = once is { } chance ? ErrorBound.Once(degrees, chance, choices) : ErrorBound.Fastest(degrees, _options.ErrorBound, choices);

        // Vectors are compared by names of 63 bits, and a false equation is overlooked, too, if its two get one name.
        return (bound with { Epsilon = Math.Min(1, bound.Epsilon + Math.ScaleB(1, -63)) }, names?.Confusion(degrees.VectorPairs) ?? 0);
    }

    // What moves in a set is drawn and has no bits of its own.
    Degrees DegreesOf(StreamedState state, SliceNames? names)
    {
        CoefficientSize SizeOf(ParameterTensor tensor)
        {
            if (_numbers.TryGetValue(tensor.Name, out var number)) return number < state.Classes.Length && state.Classes[number] is { AllMove: true } ? CoefficientSize.One : _all[number].Facts.Sizes;
            var kept = Kept.Parameters.Any(parameter => parameter.Name == tensor.Name) ? state.Kept.Codes[state.Kept.IndexOf(tensor.Name)] : null;
            return kept is not null && !kept.AsSpan().Contains(0) ? CoefficientSize.One : CoefficientSize.OfSome(tensor.Start);
        }

        return Degrees.Of(_gradient, [.. Kept.Parameters, .. Kept.Frozen, .. _all.Select(matrix => matrix.Tensor)], SizeOf, hasDrawnProducts: names is null ? null : name => _numbers.TryGetValue(name, out var number) && names.Has(number));
    }

    /// <summary>Whether in some evaluation there were fewer different gradients than keys of rows and columns, so that there are ties which those do not see.</summary>
    public bool MissesTies { get; private set; }

    /// <summary>Whether a value sat on a kink in some evaluation.</summary>
    public bool MetKinks { get; private set; }

    /// <summary>The gradient of a model by all its parameters.</summary>
    public static TensorProgram GradientOf(Model model) => GradientOf(model, SelfGates.Of(model.Program));

    static TensorProgram GradientOf(Model model, TensorProgram forward) => Gradient.Of(forward, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal));

    /// <summary>The algorithm.</summary>
    /// <param name="elsewhere">Asked, while a set is verified here, whether it is invariant at other sizes, too: one look with products that are drawn.</param>
    public StreamedResult Run(Func<StreamedState, SliceNames, bool>? elsewhere = null)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            try
            {
                if (attempt == 0 ? Run(default(Mersenne61), attempt, elsewhere) is { } result : (result = Run(PrimeField.Draw(SeedOf("prime", attempt, 0)), attempt, elsewhere)!) is not null) return result;
            }
            catch (DivideByZeroException) when (attempt < Attempts - 1)
            {
                // The prime divides the denominator of a constant, which has no image then.
            }
        }

        throw new InvalidOperationException("the verification contradicted the refinement again and again; please report this model");
    }

    StreamedResult? Run<TField>(TField field, int attempt, Func<StreamedState, SliceNames, bool>? elsewhere) where TField : struct, IField
    {
        var state = new StreamedState(State.AllStuck(Kept), new MatrixClasses?[Matrices.Count]);
        var moved = new List<(int Round, MatrixClasses?[] Classes)>();
        for (var number = 1; number <= MostRounds; number++)
        {
            _options.Progress?.Invoke($"round {number}");
            var step = Next(field, state, attempt, number);
            if (step.Singularities.Count > 0)
                return new StreamedResult(null, null, moved, new RefinementResult { Rounds = number, SingularOrigins = [.. step.Singularities.Select(node => node.Origin ?? "the model").Distinct(StringComparer.Ordinal)] });
            if (moved.Count == 0 || !SameMoving(moved[^1].Classes, step.Classes)) moved.Add((number, step.Classes));
            var isKept = step.IsKept;
            state = step.State;

            // With drawn products a verification costs less than the round that would show that nothing changes, and is needed anyway.
            var names = SliceNames.Of(_all, state, SeedOf("names", attempt, number), _options);
            var (run, isElsewhere) = Both(() => Verified(names), elsewhere is null || _options.Threads == 1 ? null : () => elsewhere(state, names));
            if ((run ?? (isKept ? Verified(null) : null)) is { } verified) return new StreamedResult(state, names, moved, verified, isElsewhere);
            if (isKept) return null;

            RefinementResult? Verified(SliceNames? drawn)
            {
                var (bound, confusion) = BoundOf(state, drawn);
                var rounds = isKept ? number : number + 1;
                if (rounds * confusion > _options.ErrorBound / 2) return null;
                var verifications = bound.Verifications(rounds, _options.ErrorBound - rounds * confusion);
                if (!Verify(state, drawn, bound.Lanes, verifications, attempt)) return null;
                return new RefinementResult { Rounds = rounds, Verifications = verifications, Epsilon = bound.Epsilon, ErrorBound = Math.Min(1, rounds * (confusion + Math.Pow(bound.Epsilon, verifications))), MetKinks = MetKinks };
            }
        }

        return null;
    }

    // One gradient at the state, in one field, and the state that follows.
    Step Next<TField>(TField field, StreamedState state, int attempt, int number) where TField : struct, IField
    {
        var round = new Round<TField>(field, state.Kept, number, _memory);
        var exact = new ExactKeys<TField>(field, Matrices, _looksAtAll);
        var classes = new MatrixClasses[Matrices.Count];
        void Accept(string name, int lane, long start, ReadOnlySpan<ulong> gradients)
        {
            exact.Beside(gradients);
            round.Accept(name, lane, start, gradients);
        }

        var events = Evaluate([field], SeedOf("round", attempt, number), state, drawn: null, Accept, Collector(classes) + exact.Take);
        if (events.Singularities.Count > 0) return new Step(state, classes, false, events.Singularities);
        exact.Look(classes);
        MissesTies |= !exact.Agree;
        var kept = new ClassesKept(state, _options.Threads);
        for (var k = 0; k < classes.Length; k++) kept.Look(k, classes[k]);
        var isKept = kept.AreKept && !round.HasChanged;
        return new Step(new StreamedState(round.Next(), isKept ? state.Classes : classes), classes, isKept, []);
    }

    /// <summary>What a round leaves.</summary>
    readonly record struct Step(StreamedState State, MatrixClasses[] Classes, bool IsKept, IReadOnlyList<Node> Singularities);

    static (RefinementResult? Run, bool? IsElsewhere) Both(Func<RefinementResult?> verify, Func<bool>? elsewhere)
    {
        if (elsewhere is null) return (verify(), null);
        var other = Task.Run(elsewhere);
        RefinementResult? run;
        try
        {
            run = verify();
        }
        catch
        {
            // What the other works on may be freed as soon as this is left.
            Task.WaitAny(other);
            throw;
        }

        return (run, other.GetAwaiter().GetResult());
    }

    /// <summary>Whether a set of this model's parameters, proved at other sizes, is invariant here, too.</summary>
    public bool Confirms(StreamedResult result) => (result.IsElsewhere ?? IsInvariant(result.State!, result.Names)) || IsInvariant(result.State!, null);

    /// <summary>One look whether a set is invariant, which errs with a chance of 10⁻⁹ at most.</summary>
    /// <param name="state">The set.</param>
    /// <param name="names">Names of slices to draw products by; null for products that are computed.</param>
    public bool IsInvariant(StreamedState state, SliceNames? names)
    {
        const double Chance = 1e-9;
        return Verify(state, names, BoundOf(state, names, Chance).Bound.Lanes, times: 1, attempt: 1);
    }

    // With names of slices products are drawn, else they are computed.
    bool Verify(StreamedState state, SliceNames? names, int lanes, int times, int attempt)
    {
        var kept = new State(Kept, state.Kept.Codes, state.Kept.FirstSteps);
        for (var number = 1; number <= times; number++)
        {
            _options.Progress?.Invoke(times == 1 ? "verification" : $"verification {number} of {times}");
            var seed = SeedOf("verification", attempt, number);
            PrimeField[] primes = [.. Enumerable.Range(0, lanes).Select(lane => PrimeField.Draw(seed + (ulong)lane))];
            var verification = new Verification<PrimeField>(primes, kept, _memory);
            var at = state with { Kept = kept };
            var drawn = names is null ? null : new DrawnProducts(names, seed, _options);
            var alike = new ClassesKept(state, _options.Threads);
            var events = Evaluate(primes, seed, at, drawn, verification.Accept, alike.Look);
            if (drawn is { AreAlike: false }) return false;
            if (events.Singularities.Count > 0 || verification.Violation is not null || !alike.AreKept) return false;
        }

        return true;
    }

    /// <summary>Why what is stuck is stuck: for each kept tensor as for any model, and for each matrix the zero patterns of its rows and columns; null if nothing is.</summary>
    public (StuckCause[]?[] Kept, MatrixClasses[]? Patterns) StuckCauses(StreamedState state)
    {
        var causes = new StuckCause[]?[Kept.Parameters.Count];
        for (var tensor = 0; tensor < causes.Length; tensor++)
            if (state.Kept.Codes[tensor].AsSpan().Contains(0)) causes[tensor] = [.. state.Kept.Codes[tensor].Select(code => code == 0 ? StuckCause.Zero : StuckCause.None)];
        if (state.Classes.All(classes => classes is { AllMove: true }) && causes.All(cause => cause is null)) return (causes, null);
        _options.Progress?.Invoke("causes");
        var patterns = new MatrixClasses[Matrices.Count];
        Evaluate<ZeroPattern>([default], seed: 0, state, drawn: null, (name, _, start, pattern) =>
        {
            if (causes[state.Kept.IndexOf(name)] is not { } cause) return;
            for (var i = 0; i < pattern.Length; i++)
                if (pattern[i] != 0 && cause[start + i] == StuckCause.Zero) cause[start + i] = StuckCause.Cancellation;
        }, Collector(patterns));
        return (causes, patterns);
    }

    EvaluationEvents Evaluate<TField>(
        TField[] fields, ulong seed, StreamedState state, DrawnProducts? drawn, FieldEvaluator<TField>.OutputReader accept, FactorVectors.Reader acceptVectors) where TField : struct, IField
    {
        var vectors = new FactorVectors(_factors, Matrices, [.. fields.Select(field => field.Modulus)]);
        using var pool = new BufferPool(idleLimit: 1 << 22); // of its own: what a pass over the weights needed is not what verifications do
        var point = new StreamedPoint(state, _all, _numbers, drawn, seed, _options);
        var events = FieldEvaluator<TField>.Run(fields, seed, _options.Kinks, drawn is null ? _gradient : _frugal, point, new Workers(_options.Threads, _options.Cancellation), pool, (name, lane, start, chunk) =>
        {
            if (name[0] == Marker) vectors.Read(_wanted[int.Parse(name.AsSpan(1), CultureInfo.InvariantCulture)], lane, start, chunk, acceptVectors);
            else accept(name, lane, start, chunk);
        });
        MetKinks |= events.Kinks > 0 && drawn is not { AreAlike: false };
        return events;
    }

    FactorVectors.Reader Collector(MatrixClasses[] classes)
    {
        var pairs = new ClassPairs();
        return (matrix, isRows, vectors) =>
        {
            if (pairs.Add(matrix, isRows, AxisKeys.Of(vectors, _options.Threads)) is { } both) classes[matrix] = both;
        };
    }

    static bool SameMoving(MatrixClasses?[] before, MatrixClasses[] after)
    {
        for (var k = 0; k < after.Length; k++)
        {
            if (before[k]!.AllMove && after[k].AllMove) continue;
            if (!before[k]!.Rows.Moving.IsSameAs(after[k].Rows.Moving) || !before[k]!.Columns.Moving.IsSameAs(after[k].Columns.Moving)) return false;
        }

        return true;
    }

    const char Marker = '\u0001'; // no tensor's name begins with it

    static string Name(int place) => Marker + place.ToString(CultureInfo.InvariantCulture);

    ulong SeedOf(string purpose, int attempt, int number) => new RandomFunction(_options.Seed, RandomFunction.Purpose(purpose)).Word(((ulong)attempt << 32) + (ulong)number);
}

/// <summary>What a streamed refinement found.</summary>
/// <param name="State">The smallest invariant set; null when the gradient is not finite.</param>
/// <param name="Names">Names of the slices of its matrices; null with it.</param>
/// <param name="Moved">Which weights of matrices had moved after a round, at each round where that changed.</param>
/// <param name="Run">Rounds and bounds; its partition is not given.</param>
/// <param name="IsElsewhere">Whether it was seen to be invariant at other sizes, too; null if nobody looked.</param>
sealed record StreamedResult(StreamedState? State, SliceNames? Names, IReadOnlyList<(int Round, MatrixClasses?[] Classes)> Moved, RefinementResult Run, bool? IsElsewhere = null);
