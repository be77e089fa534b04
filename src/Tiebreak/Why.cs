using Tiebreak.Formats;
using Tiebreak.Proofs;
using Tiebreak.Proofs.Reasons;
using Tiebreak.Refinement;

namespace Tiebreak;

/// <summary>The second door: the reason of a verdict about one parameter, or about two.</summary>
public static class Why
{
    /// <summary>Analyses a model, and says why one parameter is stuck or moves, or why two stay equal or come apart.</summary>
    /// <param name="path">A formula (<c>.tb</c>) or an ONNX file (<c>.onnx</c>).</param>
    /// <param name="first">A parameter <c>name[i,j,…]</c>, or a slice with <c>*</c> for whole axes.</param>
    /// <param name="second">Another of as many numbers, to compare with; null to ask about the first alone.</param>
    /// <param name="options">What to assume; null for the defaults.</param>
    /// <exception cref="TiebreakException">The file cannot be read or is not supported, there is no such parameter, or the model is too large for a reason.</exception>
    /// <exception cref="OperationCanceledException">Cancelled through the options.</exception>
    public static Explanation Of(string path, string first, string? second, CheckOptions? options = null)
    {
        options ??= new CheckOptions();
        using var file = Check.Open(path, options);
        var refinement = Check.Refinement(options);

        // Held, every step of a reason can be told; what cannot be held is streamed.
        var analysis = Check.Analyse(file, options with { HoldsUpTo = HeldMemory.Half }, refinement, streams: true);
        if (analysis.Partition is null) throw new TiebreakException($"there is no verdict to explain: {analysis.NonFinite[0].Message.Replace("`", "", StringComparison.Ordinal)}");
        var left = ParameterSlice.Parse(first, analysis.Model);
        var right = second is null ? null : ParameterSlice.Parse(second, analysis.Model);
        if (right is not null && right.Places.Count != left.Places.Count)
            throw new TiebreakException($"`{first}` has {left.Places.Count:N0} numbers and `{second}` has {right.Places.Count:N0}; name slices of one size");
        if (right is not null && left.Tensor == right.Tensor && left.Places.SequenceEqual(right.Places)) throw new TiebreakException($"`{first}` and `{second}` are the same; name two, or one alone");

        options.Progress?.Report(new CheckProgress("reasons", null));
        var explanation = analysis.IsStreamed ? Streamed(new StreamedWhy(analysis, Whatever(analysis.Model, options), options.Cancellation), left, right) : Held(new ExplainedVerdicts(analysis, options), left, right);
        return explanation with { ErrorBound = analysis.ErrorBound, Seed = options.Seed, Notes = [.. explanation.Notes, .. Sizes(analysis), .. analysis.Model.Notes] };
    }

    static Explanation Streamed(StreamedWhy verdict, ParameterSlice left, ParameterSlice? right) => right is null ? verdict.Of(left) : verdict.Of(left, right);

    static Explanation Held(ExplainedVerdicts verdict, ParameterSlice left, ParameterSlice? right) => right is null ? verdict.Of(left) : verdict.Of(left, right);

    // A verdict for given data is about those and no other.
    static string Whatever(Model model, CheckOptions options) => (options.Data, options.Loss) switch
    {
        (null, LossKind.Any) when !model.OutputIsLoss => "whatever the data and the loss",
        (null, _) => "whatever the data",
        _ => "on the data given",
    };

    static IEnumerable<string> Sizes(Analysis analysis)
    {
        if (analysis.Model.Dims.Count > 0) yield return $"at the sizes {string.Join(", ", analysis.Model.Dims.OrderBy(dim => dim.Key, StringComparer.Ordinal).Select(dim => $"{dim.Key} = {dim.Value}"))}";
    }

    /// <summary>Puts a verdict and its reason together.</summary>
    sealed class ExplainedVerdicts(Analysis analysis, CheckOptions options)
    {
        readonly RefinementOptions _refinement = Check.Refinement(options);
        readonly Partition _partition = analysis.Partition!;
        readonly Model _model = analysis.Model;
        ConservationLaws? _laws;

        string Whatever => Why.Whatever(_model, options);

        public Explanation Of(ParameterSlice slice)
        {
            var codes = slice.Places.Select(place => _partition.Codes[slice.Tensor][place]).ToArray();
            var stuck = slice.Places.Where((_, k) => codes[k] == 0).Select(place => (slice.Tensor, place)).ToArray();
            if (stuck.Length > 0)
            {
                return new Explanation
                {
                    Parameters = [slice.Name],
                    Verdict = ExplainedVerdict.Stuck,
                    Headline = VerdictSentences.Stuck(slice.Name, stuck.Length, codes.Length, Start(slice.Tensor, slice.Places[0]), Whatever),
                    Steps = StuckReason.Of(Reasoner(), stuck),
                    Notes = [.. AtKinks(other => stuck.Any(parameter => other.Codes[parameter.Tensor][parameter.place] != 0), "moves")],
                };
            }

            var seen = codes.Length == 1 ? Witnessed([Math.Abs(codes[0])]) : null;
            if (codes.Length == 1 && seen is null && Laws() is { } laws && laws.Codes[Math.Abs(codes[0])] == 0)
            {
                return new Explanation
                {
                    Parameters = [slice.Name],
                    Verdict = ExplainedVerdict.Stuck,
                    IsByLaw = true,
                    Headline = $"`{slice.Name}` never moves from {Start(slice.Tensor, slice.Places[0])} under gradient descent or momentum: a linear law holds it, {Whatever}",
                    Notes = ["its gradient is zero only where training goes, not by a zero factor; `check --laws` lists the laws, and adam and others that scale each parameter's step by itself do not keep them"],
                };
            }

            var step = codes.Max(code => _partition.FirstSteps[Math.Abs(code)]);
            var late = slice.Places[Array.FindIndex(codes, code => _partition.FirstSteps[Math.Abs(code)] == step)];
            var company = codes.Length == 1 ? Company(codes[0], slice) : "";
            var steps = step > 1 ? Late(slice.Tensor, late, step) : [];
            return new Explanation
            {
                Parameters = [slice.Name],
                Verdict = ExplainedVerdict.Moves,
                Headline = VerdictSentences.Moves(slice.Name, codes.Length, step, company),
                Steps = steps,
                Witness = codes.Length == 1 ? seen : null,
                Notes = [.. codes.Length == 1 && seen is null ? Undecided("it moves") : []],
            };
        }

        public Explanation Of(ParameterSlice left, ParameterSlice right)
        {
            var pairs = left.Places.Zip(right.Places, (a, b) => (Left: (left.Tensor, Place: a), Right: (right.Tensor, Place: b))).ToArray();
            var apart = Array.Find(pairs, pair => !IsTogether(pair.Left, pair.Right));
            var names = (string[])[left.Name, right.Name];
            if (apart != default) return Apart(names, pairs, apart);

            var moving = pairs.Where(pair => Code(pair.Left) != 0).ToArray();
            if (moving.Length == 0)
            {
                return new Explanation
                {
                    Parameters = names,
                    Verdict = ExplainedVerdict.Stuck,
                    Headline = VerdictSentences.NeverMove(names, areEqual: true, starts: "", Whatever),
                    Steps = StuckReason.Of(Reasoner(), [pairs[0].Left]),
                };
            }

            // Signs are each pair's own: of a slice some may stay equal and others each other's negative.
            var opposite = Array.FindAll(moving, pair => Code(pair.Left) == -Code(pair.Right));
            var equal = pairs.Count(pair => Code(pair.Left) == Code(pair.Right) && (Code(pair.Left) != 0 || !_model.Parameters[pair.Left.Tensor].Start[pair.Left.Place].IsZero));
            var mirrored = opposite.Length > 0;
            return new Explanation
            {
                Parameters = names,
                Verdict = mirrored ? ExplainedVerdict.Mirrored : ExplainedVerdict.Lockstep,
                Headline = VerdictSentences.Together(names, equal, opposite.Length, Whatever),
                Steps = PairReason.Together(Reasoner(), mirrored ? opposite : moving),
                Conclusion = VerdictSentences.Conclusion(equal, opposite.Length),
                Notes = [.. AtKinks(other => moving.Any(pair => Math.Abs(other.Codes[pair.Left.Tensor][pair.Left.Place]) != Math.Abs(other.Codes[pair.Right.Tensor][pair.Right.Place])), "comes apart")],
            };
        }

        Explanation Apart(string[] names, ((int Tensor, int Place) Left, (int Tensor, int Place) Right)[] pairs, ((int Tensor, int Place) Left, (int Tensor, int Place) Right) apart)
        {
            var (left, right) = apart;
            var isSame = _model.Parameters[left.Tensor].Start[left.Place].Magnitude == _model.Parameters[right.Tensor].Start[right.Place].Magnitude;
            if (Array.TrueForAll(pairs, pair => Code(pair.Left) == 0 && Code(pair.Right) == 0))
            {
                return new Explanation
                {
                    Parameters = names,
                    Verdict = ExplainedVerdict.Stuck,
                    Headline = VerdictSentences.NeverMove(names, areEqual: false, pairs.Length == 1 ? $", at {Start(left.Tensor, left.Place)} and {Start(right.Tensor, right.Place)}" : "", Whatever),
                    Steps = StuckReason.Of(Reasoner(), [left, right]),
                };
            }

            var witness = isSame && Moving(left, right) is { Length: > 0 } moving ? Witnessed(moving) : null;
            if (isSame && witness is null && pairs.Length == 1 && Laws() is { } laws && Lawful(laws, left) is var first && Lawful(laws, right) is var second && (first == second || first == -second))
            {
                return new Explanation
                {
                    Parameters = names,
                    Verdict = first == 0 ? ExplainedVerdict.Stuck : first == second ? ExplainedVerdict.Lockstep : ExplainedVerdict.Mirrored,
                    IsByLaw = true,
                    Headline = $"`{names[0]}` and `{names[1]}` {(first == 0 ? "never move" : first == second ? "stay equal" : "stay each other's negative")} under gradient descent or momentum: a linear law of training holds them, {Whatever}",
                    Notes = ["their gradients agree only where training goes; `check --laws` lists the laws, and adam and others that scale each parameter's step by itself do not keep them"],
                };
            }

            var isMirrored = isSame && _model.Parameters[left.Tensor].Start[left.Place] != _model.Parameters[right.Tensor].Start[right.Place];
            return new Explanation
            {
                Parameters = names,
                Verdict = ExplainedVerdict.Apart,
                Headline = VerdictSentences.Apart(names, pairs.Length == 1 ? null : (Name(left), Name(right)), isSame && !isMirrored, isMirrored),
                Steps = PairReason.Apart(Reasoner(), left, right),
                Witness = witness,
                Notes = [.. ByNoise(pairs), .. isSame && witness is null ? Undecided("they come apart") : []],
            };
        }

        int[] Moving((int Tensor, int Place) left, (int Tensor, int Place) right) => [.. new[] { Math.Abs(Code(left)), Math.Abs(Code(right)) }.Where(number => number > 0).Distinct()];

        // What patterns call free may be held by a law (theory §8); asked where no training run shows otherwise.
        ConservationLaws? Laws() => options.Data is null && Check.MayWitness(options) ? _laws ??= ConservationLaws.Find(_model, _partition, _refinement) : null;

        int Lawful(ConservationLaws laws, (int Tensor, int Place) parameter) => Code(parameter) is var code && code != 0 ? Math.Sign(code) * laws.Codes[Math.Abs(code)] : 0;

        IEnumerable<string> Undecided(string what)
        {
            if (Check.MayWitness(options)) yield return $"undecided: no training run showed that {what}{(_laws is null ? "" : ", and no linear law forbids it")}";
        }

        // A start at zero in step k: what it waits for is seen at the set after k − 2 rounds, the last at which its gradient is zero.
        IReadOnlyList<ReasonStep> Late(int tensor, int place, int step)
        {
            var reasoner = Reasoner();
            var steps = new ReasonSteps(_model, reasoner.Landmarks);
            StuckReason.Say(reasoner, steps, [(tensor, place)], step - 2, []);
            return steps.All;
        }

        Reasoner Reasoner() => analysis.Data?.Kept is var (many, samples) ? new(many, _partition, _refinement, samples) : new(_model, _partition, _refinement, samples: null);

        ExplainedWitness? Witnessed(int[] classes)
        {
            if (!Check.MayWitness(options)) return null;
            var (model, table) = Check.ForTraining(analysis, _refinement);
            return PairWitness.Find(model, _partition, classes, analysis.Rounds, _refinement, table);
        }

        bool IsTogether((int Tensor, int Place) left, (int Tensor, int Place) right)
        {
            var (a, b) = (Code(left), Code(right));
            return Math.Abs(a) == Math.Abs(b) && (a != 0 || _model.Parameters[left.Tensor].Start[left.Place] == _model.Parameters[right.Tensor].Start[right.Place]);
        }

        int Code((int Tensor, int Place) parameter) => _partition.Codes[parameter.Tensor][parameter.Place];

        string Name((int Tensor, int Place) parameter) => _model.Parameters[parameter.Tensor].Name + PlacesText.Of(_model.Parameters[parameter.Tensor].Shape, parameter.Place);

        string Start(int tensor, int place) => _model.Parameters[tensor].Start[place].ToShortString();

        string Company(int code, ParameterSlice slice)
        {
            long others = -1;
            string? example = null;
            for (var tensor = 0; tensor < _partition.Codes.Count; tensor++)
            {
                var codes = _partition.Codes[tensor];
                for (var place = 0; place < codes.Length; place++)
                {
                    if (Math.Abs(codes[place]) != Math.Abs(code)) continue;
                    others++;
                    if (example is null && (tensor != slice.Tensor || place != slice.Places[0])) example = (codes[place] == code ? "" : "-") + Name((tensor, place));
                }
            }

            return VerdictSentences.Company(others, example);
        }

        IEnumerable<string> AtKinks(Func<Partition, bool> differs, string what)
        {
            if (analysis.AtOtherKinks is { } other && differs(other)) yield return $"this rests on a kink: under another convention where a function has no derivative, or of equal largest values, it {what}";
        }

        IEnumerable<string> ByNoise(((int Tensor, int Place) Left, (int Tensor, int Place) Right)[] pairs)
        {
            if (analysis.WithoutNoise is { } quiet && Array.TrueForAll(pairs, pair => Math.Abs(quiet.Codes[pair.Left.Tensor][pair.Left.Place]) == Math.Abs(quiet.Codes[pair.Right.Tensor][pair.Right.Place])))
                yield return "only dropout separates them: without it they would be in lockstep";
        }
    }
}
