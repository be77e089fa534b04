using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Formats.Tables;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Refinement;

/// <summary>
/// The main algorithm (theory §3): optimistic refinement. Everything starts stuck; each round takes the exact gradient at a random point of the
/// current set, and lets its pattern decide the next one, until nothing changes. What is left is the smallest set that training cannot leave.
/// </summary>
public static class SmallestInvariantSet
{
    const int Attempts = 8;
    internal const int LargeTensor = 1 << 20;
    const int SampleBits = 4096; // more than any double needs, or any decimal that is no joke

    /// <summary>Finds the smallest invariant set that contains the model's start, and verifies it with fresh random numbers.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">Seeds and bounds.</param>
    /// <param name="within">
    /// A set of the same parameters that is known to contain the answer, to go on from instead of from the start. Refinement leads to the same end from there, but only
    /// <see cref="FirstStepsHold(Model, RefinementOptions, Partition)"/> tells whether to the same first steps.
    /// </param>
    /// <exception cref="OperationCanceledException">Cancelled through the options.</exception>
    public static RefinementResult Find(Model model, RefinementOptions options, Partition? within = null) => Find(model, options, within, samples: null);

    /// <summary>The same for given samples as all the data there is.</summary>
    internal static RefinementResult Find(Model model, RefinementOptions options, Partition? within, Samples? samples)
    {
        using var search = new Search(model, options, within, samples);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            // A contradiction means that the field or a draw was unlucky (2⁶¹ = 1 modulo 2⁶¹ − 1, say): begin again with a prime nobody chose.
            try
            {
                var result = attempt == 0 ? search.Run(default(Mersenne61), attempt) : search.Run(search.DrawPrime(attempt), attempt);
                if (result is not null) return result;
            }
            catch (DivideByZeroException) when (attempt < Attempts - 1)
            {
                // The prime divides the denominator of a constant, which has no image then.
            }
        }

        throw new InvalidOperationException("the verification contradicted the refinement again and again; please report this model");
    }

    /// <summary>
    /// Whether <paramref name="partition"/>, found for one size of a model, is invariant for the same model at another size too (theory §5).
    /// </summary>
    public static bool IsInvariant(Model model, Partition partition, RefinementOptions options)
    {
        using var search = new Search(model, options);
        var state = State.Of(model, partition);
        var verifications = search.Bound.Verifications(1, options.ErrorBound);
        return search.Verify(state, verifications, attempt: 0);
    }

    /// <summary>Whether parameters of the model begin to move no earlier than in a set that contains the answer, and so at the same steps.</summary>
    public static bool FirstStepsHold(Model model, RefinementOptions options, Partition within) => FirstStepsHold(model, options, within, samples: null);

    /// <summary>The same for given samples.</summary>
    internal static bool FirstStepsHold(Model model, RefinementOptions options, Partition within, Samples? samples)
    {
        using var search = new Search(model, options, samples: samples);
        return search.FirstStepsHold(within);
    }

    /// <summary>Goes through the rounds from the start as long as they change something and <paramref name="goOn"/>, told the number of each and the state after it, agrees; the state after the last.</summary>
    internal static State Rounds(Model model, RefinementOptions options, Samples? samples, Func<int, State, bool> goOn)
    {
        using var search = new Search(model, options, samples: samples);
        return search.Rounds(goOn);
    }

    /// <summary>For each tensor with stuck parameters, why each of them is stuck.</summary>
    public static IReadOnlyList<StuckCause[]?> StuckCauses(Model model, Partition partition, RefinementOptions options) => StuckCauses(model, partition, options, samples: null);

    /// <summary>The same for given samples.</summary>
    internal static IReadOnlyList<StuckCause[]?> StuckCauses(Model model, Partition partition, RefinementOptions options, Samples? samples)
    {
        using var search = new Search(model, options, samples: samples);
        return search.StuckCauses(partition);
    }

    /// <summary>Which classes only decay; null where nothing does.</summary>
    internal static IReadOnlyList<bool>? Decaying(Model model, Partition partition, RefinementOptions options, Samples? samples = null)
    {
        if (!options.Decays) return null;
        using var search = new Search(model, options, samples: samples);
        var silent = search.WithoutGradient(partition);
        silent[0] = false;
        return silent.Contains(true) ? silent : null;
    }

    /// <summary>One run of the algorithm on one model; also what a verification needs.</summary>
    internal sealed class Search : IDisposable
    {
        readonly Model _model;
        readonly RefinementOptions _options;
        readonly Partition? _within;
        readonly TensorProgram _gradient;
        readonly TensorProgram _small; // the gradients of all but the large tensors
        readonly int[] _large;
        readonly RoundMemory _memory = new();
        readonly BufferPool _pool;
        readonly Samples? _samples;
        readonly GatesByOrder _gates;
        bool _metKinks;

        public Search(Model model, RefinementOptions options, Partition? within = null, Samples? samples = null)
        {
            _within = within;
            _samples = samples;
            _model = model;
            _options = options;
            (_gradient, Bound) = Prepare(model.Program);
            if (!Bound.Reaches(options.ErrorBound) && SelfGates.Of(model.Program) is var gated && gated != model.Program) (_gradient, Bound) = Prepare(gated);
            ProgramGrammar.Check(_gradient);
            _gates = new GatesByOrder(_gradient, options);
            _large = [.. Enumerable.Range(0, model.Parameters.Count).Where(tensor => model.Parameters[tensor].Shape.Count > LargeTensor)];
            var largeNames = _large.Select(tensor => model.Parameters[tensor].Name).ToHashSet(StringComparer.Ordinal);
            _small = _gradient.WithOutputs([.. _gradient.Outputs.Where(output => !largeNames.Contains(output.Name))]);
            _pool = new BufferPool(idleLimit: 1 << 25);
        }

        (TensorProgram Gradient, ErrorBound Bound) Prepare(TensorProgram program)
        {
            var gradient = Gradient.Of(program, _model.OutputIsLoss && _samples is null, _model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal));
            if (_options.Decays) gradient = WithZeros(gradient, _model.Parameters);
            gradient = ParameterGroups.Apply(gradient, _options.GroupOf);
            var degrees = Degrees.Of(gradient, [.. _model.Parameters, .. _model.Frozen], tensor => CoefficientSize.OfSome(tensor.Start), _samples is null ? 0 : SampleBits);
            return (gradient, ErrorBound.Of(degrees, _options.ErrorBound));
        }

        public ErrorBound Bound { get; }

        /// <summary>The algorithm. Null if a verification contradicts what the rounds found.</summary>
        public RefinementResult? Run<TField>(TField field, int attempt) where TField : struct, IField
        {
            var state = _within is null ? Start() : State.Of(_model, _within);
            var mayPassOver = _small.Outputs.Count < _gradient.Outputs.Count;
            var (passesOverLarge, hasPassedOver) = (false, false);
            for (var number = 1; ; number++)
            {
                _options.Progress?.Invoke($"round {number}");
                var round = new Round<TField>(field, state, number, _memory);
                var events = Evaluate([field], SeedOf("round", attempt, number), state, round.Accept, passesOverLarge ? _small : _gradient);
                if (events.Singularities.Count > 0)
                    return new RefinementResult { Rounds = number, SingularOrigins = [.. events.Singularities.Select(node => node.Origin ?? "the model").Distinct(StringComparer.Ordinal)] };

                state = round.Next();
                hasPassedOver |= passesOverLarge;
                if (hasPassedOver && round.HasAwoken)
                {
                    // Its first step is the number of the round only if none before was partial.
                    state = _within is null ? Start() : State.Of(_model, _within);
                    (mayPassOver, passesOverLarge, hasPassedOver, number) = (false, false, false, 0);
                    continue;
                }

                if (round.HasChanged || passesOverLarge)
                {
                    // A chain of small changes need not look at large tensors that stayed as they are: they get their turn before the end.
                    passesOverLarge = mayPassOver && round.HasChanged && !round.HasAwoken && !round.HasChangedIn(_large);
                    continue;
                }

                Release();
                var verifications = Bound.Verifications(number, _options.ErrorBound);
                if (!Verify(state, verifications, attempt)) return null;
                return new RefinementResult
                {
                    Partition = state.ToPartition(),
                    Rounds = number,
                    Verifications = verifications,
                    Epsilon = Bound.Epsilon,
                    ErrorBound = Math.Min(1, number * Math.Pow(Bound.Epsilon, verifications)),
                    MetKinks = _metKinks,
                };
            }
        }

        public bool FirstStepsHold(Partition within)
        {
            var state = Start();
            for (var number = 1; number < within.FirstSteps.Max(); number++)
            {
                _options.Progress?.Invoke($"step {number}");
                var round = new Round<Mersenne61>(default, state, number, _memory);
                Evaluate<Mersenne61>([default], SeedOf("round", 0, number), state, round.Accept);
                state = round.Next();
                for (var tensor = 0; tensor < state.Codes.Length; tensor++)
                {
                    var (now, last) = (state.Codes[tensor], within.Codes[tensor]);
                    for (var i = 0; i < now.Length; i++)
                        if (now[i] != 0 && within.FirstSteps[Math.Abs(last[i])] > number) return false;
                }
            }

            return !_metKinks;
        }

        /// <summary>Rounds for someone who looks on, each of all tensors.</summary>
        public State Rounds(Func<int, State, bool> goOn)
        {
            for (var attempt = 0UL; ; attempt++)
            {
                try
                {
                    return Rounds(PrimeField.Draw(SeedOf("rounds", (int)attempt, 0)), goOn);
                }
                catch (DivideByZeroException) when (attempt < Attempts)
                {
                    // The prime divides the denominator of a constant, which has no image then.
                }
            }
        }

        State Rounds(PrimeField field, Func<int, State, bool> goOn)
        {
            var state = Start();
            for (var number = 1; goOn(number - 1, state); number++)
            {
                var round = new Round<PrimeField>(field, state, number, _memory);
                Evaluate([field], SeedOf("round", Attempts, number), state, round.Accept);
                state = round.Next();
                if (!round.HasChanged) break;
            }

            return state;
        }

        // What no loss sees begins in a class under decay, and must leave it when others there get a gradient.
        static TensorProgram WithZeros(TensorProgram gradient, IReadOnlyList<ParameterTensor> parameters)
        {
            var seen = gradient.Outputs.Select(output => output.Name).ToHashSet(StringComparer.Ordinal);
            var builder = new ProgramBuilder(gradient.Nodes);
            (string, Node)[] zeros = [.. parameters.Where(parameter => !seen.Contains(parameter.Name)).Select(parameter => (parameter.Name, builder.Fill(Rational.Zero, parameter.Shape)))];
            return builder.Build().WithOutputs([.. gradient.Outputs, .. zeros]);
        }

        State Start() => _options.Decays ? State.Decaying(_model, _options.GroupOf) : State.AllStuck(_model);

        /// <summary>Fresh seeds and fresh primes each time: a false equation must survive them all.</summary>
        public bool Verify(State state, int times, int attempt)
        {
            for (var number = 1; number <= times; number++)
            {
                _options.Progress?.Invoke($"verification {number} of {times}");
                var seed = SeedOf("verification", attempt, number);
                var verification = new Verification<PrimeField>(DrawPrimes(seed), state, _memory);
                Evaluate(verification.Fields, seed, state, verification.Accept);
                if (verification.Violation is not null) return false;
            }

            return true;
        }

        /// <summary>Whether one block of samples contradicts the state, or meets a singularity, at one random point in the given fields.</summary>
        public bool Contradicts(State state, PrimeField[] primes, ulong seed, SampleBlock block, int rowsPerRun)
        {
            var verification = new Verification<PrimeField>(primes, state, _memory);
            return Evaluate(primes, seed, state, verification.Accept, new SamplePoint(block, rowsPerRun, seed), _gates.Of(state, block, rowsPerRun)).Singularities.Count > 0 || verification.Violation is not null;
        }

        /// <summary>Fresh primes, one a lane.</summary>
        public PrimeField[] DrawPrimes(ulong seed) => [.. Enumerable.Range(0, Bound.Lanes).Select(lane => PrimeField.Draw(seed + (ulong)lane))];

        public PrimeField DrawPrime(int attempt) => PrimeField.Draw(SeedOf("prime", attempt, 0));

        public StuckCause[]?[] StuckCauses(Partition partition)
        {
            var causes = new StuckCause[]?[partition.Codes.Count];
            for (var tensor = 0; tensor < causes.Length; tensor++)
                if (partition.Codes[tensor].AsSpan().Contains(0))
                    causes[tensor] = [.. partition.Codes[tensor].Select(code => code == 0 ? StuckCause.Zero : StuckCause.None)];
            if (causes.All(cause => cause is null)) return causes;

            _options.Progress?.Invoke("causes");
            var state = State.Of(_model, partition);
            Evaluate<ZeroPattern>([default], seed: 0, state, (name, _, start, pattern) =>
            {
                if (causes[state.IndexOf(name)] is not { } cause) return;
                for (var i = 0; i < pattern.Length; i++)
                    if (pattern[i] != 0 && cause[start + i] == StuckCause.Zero) cause[start + i] = StuckCause.Cancellation;
            });
            return causes;
        }

        /// <summary>The classes whose gradient is zero at every point of the set: under weight decay they shrink and do nothing else. Index 0 is unused.</summary>
        public bool[] WithoutGradient(Partition partition)
        {
            var isSilent = Enumerable.Repeat(true, partition.Classes + 1).ToArray();
            var state = State.Of(_model, partition);
            var seed = SeedOf("decaying", 0, 0);
            Evaluate(DrawPrimes(seed), seed, state, (name, _, start, chunk) =>
            {
                var codes = state.Codes[state.IndexOf(name)].AsSpan((int)start, chunk.Length);
                for (var i = 0; i < chunk.Length; i++)
                    if (chunk[i] != 0) isSilent[Math.Abs(codes[i])] = false;
            });
            return isSilent;
        }

        EvaluationEvents Evaluate<TField>(TField[] fields, ulong seed, State state, FieldEvaluator<TField>.OutputReader accept, TensorProgram? program = null)
            where TField : struct, IField
        {
            if (_samples is null)
            {
                if (!state.Gates.IsKnown) state.Gates = (true, !_gates.SeesEquality, _gates.Of(state, block: null, rowsPerRun: 1));
                return Evaluate(fields, seed, state, accept, data: null, state.Gates.Decisions, program);
            }

            // One point, all samples: their weighted gradients are summed.
            var sums = new GradientSums<TField>(fields);
            long kinks = 0, ordinal = 0;
            var singular = new HashSet<Node>();
            foreach (var block in _samples.Blocks)
            {
                var weights = new SamplePoint(block, _samples.RowsPerRun, seed + ((ulong)++ordinal << 20));
                var events = Evaluate(fields, seed, state, (name, lane, start, chunk) => sums.Add(name, lane, start, chunk, _model.Parameters[state.IndexOf(name)].Shape.Count), weights, _gates.Of(state, block, _samples.RowsPerRun), program);
                kinks += events.Kinks;
                singular.UnionWith(events.Singularities);
            }

            sums.Hand(accept);
            return new EvaluationEvents(kinks, [.. singular]);
        }

        EvaluationEvents Evaluate<TField>(TField[] fields, ulong seed, State state, FieldEvaluator<TField>.OutputReader accept, IDataPoint? data, GateDecisions? gates, TensorProgram? program = null)
            where TField : struct, IField
        {
            var workers = new Workers(_options.Threads, _options.Cancellation);
            var events = FieldEvaluator<TField>.Run(fields, seed, _options.Kinks, program ?? _gradient, new RandomPoint(state, seed), workers, _pool, accept, data, gates);
            _metKinks |= events.Kinks > 0;
            return events;
        }

        // Rounds leave arrays of the size of the model behind, which the collector would let lie until they have doubled the peak.
        void Release()
        {
            _memory.Release();
            if (_large.Length > 0) GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }

        public ulong SeedOf(string purpose, int attempt, int number) =>
            new RandomFunction(_options.Seed, RandomFunction.Purpose(purpose)).Word(((ulong)attempt << 32) + (ulong)number);

        public void Dispose()
        {
            _pool.Dispose();
            Release();
        }
    }
}
