using Tiebreak.Evaluation;
using Tiebreak.Formats;
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
    const int LargeTensor = 1 << 20;

    /// <summary>Finds the smallest invariant set that contains the model's start, and verifies it with fresh random numbers.</summary>
    /// <exception cref="OperationCanceledException">Cancelled through the options.</exception>
    public static RefinementResult Find(Model model, RefinementOptions options)
    {
        using var search = new Search(model, options);
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
        var state = new State(model, [.. partition.Codes], [.. partition.FirstSteps]);
        var verifications = ErrorBound.Verifications(search.Epsilon, 1, options.ErrorBound);
        return search.Verify(state, verifications, attempt: 0);
    }

    /// <summary>For each tensor with stuck parameters, why each of them is stuck.</summary>
    public static IReadOnlyList<StuckCause[]?> StuckCauses(Model model, Partition partition, RefinementOptions options)
    {
        using var search = new Search(model, options);
        return search.StuckCauses(partition);
    }

    sealed class Search : IDisposable
    {
        readonly Model _model;
        readonly RefinementOptions _options;
        readonly TensorProgram _gradient;
        readonly TensorProgram _small; // the gradients of all but the large tensors
        readonly int[] _large;
        readonly RoundMemory _memory = new();
        readonly BufferPool _pool;
        bool _metKinks;

        public Search(Model model, RefinementOptions options)
        {
            _model = model;
            _options = options;
            _gradient = Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal));
            ProgramGrammar.Check(_gradient);
            _large = [.. Enumerable.Range(0, model.Parameters.Count).Where(tensor => model.Parameters[tensor].Shape.Count > LargeTensor)];
            var largeNames = _large.Select(tensor => model.Parameters[tensor].Name).ToHashSet(StringComparer.Ordinal);
            _small = _gradient.WithOutputs([.. _gradient.Outputs.Where(output => !largeNames.Contains(output.Name))]);
            _pool = new BufferPool(idleLimit: 1 << 25);
            var constants = _gradient.Nodes.Select(node => node.Primitive).OfType<Primitive.Constant>().Select(constant => constant.Values);
            Epsilon = ErrorBound.Epsilon(_gradient, ErrorBound.Bits(model.Parameters.Concat(model.Frozen).Select(parameter => parameter.Start).Concat(constants)));
        }

        public double Epsilon { get; }

        /// <summary>The algorithm. Null if a verification contradicts what the rounds found.</summary>
        public RefinementResult? Run<TField>(TField field, int attempt) where TField : struct, IField
        {
            var state = State.AllStuck(_model);
            var passesOverLarge = false;
            for (var number = 1; ; number++)
            {
                _options.Progress?.Invoke($"round {number}");
                var round = new Round<TField>(field, state, number, _memory);
                var events = Evaluate([field], SeedOf("round", attempt, number), state, round.Accept, passesOverLarge ? _small : _gradient);
                if (events.Singularities.Count > 0)
                    return new RefinementResult { Rounds = number, SingularOrigins = [.. events.Singularities.Select(node => node.Origin ?? "the model").Distinct(StringComparer.Ordinal)] };

                state = round.Next();
                if (round.HasChanged || passesOverLarge)
                {
                    // A chain of small changes need not look at large tensors that stayed as they are: they get their turn before the end. But while anything is
                    // stuck, every round must be whole, since its number may become a first step.
                    passesOverLarge = round.HasChanged && _small.Outputs.Count < _gradient.Outputs.Count && !round.HasChangedIn(_large) && !state.HasStuck;
                    continue;
                }

                Release();
                var verifications = ErrorBound.Verifications(Epsilon, number, _options.ErrorBound);
                if (!Verify(state, verifications, attempt)) return null;
                return new RefinementResult
                {
                    Partition = state.ToPartition(),
                    Rounds = number,
                    Verifications = verifications,
                    Epsilon = Epsilon,
                    ErrorBound = Math.Min(1, number * Math.Pow(Epsilon, verifications)),
                    MetKinks = _metKinks,
                };
            }
        }

        /// <summary>Fresh seeds and fresh primes each time: a false equation must survive them all.</summary>
        public bool Verify(State state, int times, int attempt)
        {
            for (var number = 1; number <= times; number++)
            {
                _options.Progress?.Invoke($"verification {number} of {times}");
                var seed = SeedOf("verification", attempt, number);
                PrimeField[] primes = [PrimeField.Draw(seed), PrimeField.Draw(~seed)];
                var verification = new Verification<PrimeField>(primes, state, _memory);
                Evaluate(primes, seed, state, verification.Accept);
                if (verification.Violation is not null) return false;
            }

            return true;
        }

        public PrimeField DrawPrime(int attempt) => PrimeField.Draw(SeedOf("prime", attempt, 0));

        public StuckCause[]?[] StuckCauses(Partition partition)
        {
            var causes = new StuckCause[]?[partition.Codes.Count];
            for (var tensor = 0; tensor < causes.Length; tensor++)
                if (partition.Codes[tensor].AsSpan().Contains(0))
                    causes[tensor] = [.. partition.Codes[tensor].Select(code => code == 0 ? StuckCause.Zero : StuckCause.None)];
            if (causes.All(cause => cause is null)) return causes;

            _options.Progress?.Invoke("causes");
            var state = new State(_model, [.. partition.Codes], [.. partition.FirstSteps]);
            Evaluate<ZeroPattern>([default], seed: 0, state, (name, _, start, pattern) =>
            {
                if (causes[state.IndexOf(name)] is not { } cause) return;
                for (var i = 0; i < pattern.Length; i++)
                    if (pattern[i] != 0 && cause[start + i] == StuckCause.Zero) cause[start + i] = StuckCause.Cancellation;
            });
            return causes;
        }

        EvaluationEvents Evaluate<TField>(TField[] fields, ulong seed, State state, FieldEvaluator<TField>.OutputReader accept, TensorProgram? program = null)
            where TField : struct, IField
        {
            var workers = new Workers(_options.Threads, _options.Cancellation);
            var events = FieldEvaluator<TField>.Run(fields, seed, _options.Kinks, program ?? _gradient, new RandomPoint(state, seed), workers, _pool, accept);
            _metKinks |= events.Kinks > 0;
            return events;
        }

        // Rounds leave arrays of the size of the model behind, which the collector would let lie until they have doubled the peak.
        void Release()
        {
            _memory.Release();
            if (_large.Length > 0) GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }

        ulong SeedOf(string purpose, int attempt, int number) =>
            new RandomFunction(_options.Seed, RandomFunction.Purpose(purpose)).Word(((ulong)attempt << 32) + (ulong)number);

        public void Dispose() => _pool.Dispose();
    }
}
