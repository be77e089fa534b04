using Tiebreak.Formats;
using Tiebreak.Refinement;

namespace Tiebreak.Findings.Rules;

/// <summary>TB002: trainable parameters whose gradient is zero for ever, one finding a cause.</summary>
static class StuckParameters
{
    public static Rule Rule { get; } = new("TB002", "stuck-parameters", Level.Error, "trainable parameters whose gradient is zero for ever");

    public static IEnumerable<Draft> Find(Evidence evidence)
    {
        var used = Causes.Used(evidence.Analysis.Model.Program);
        var places = StuckPlaces.Of(evidence);
        var unused = places.Where(place => !used.Contains(evidence.Parameters[place.Tensor].Name)).ToArray();
        var zero = places.Where(place => place.Cause == StuckCause.Zero).Except(unused).ToArray();
        var cancelled = places.Where(place => place.Cause == StuckCause.Cancellation && evidence.Parameters[place.Tensor].Role != ParameterRole.Bias).Except(unused).ToArray();
        var taps = zero.Where(place => KernelPlaces.AreWhole(evidence, place)).ToArray();
        zero = [.. zero.Except(taps)];
        if (unused.Length > 0)
        {
            yield return StuckPlaces.Draft(
                evidence, Rule, unused, "never move", StuckCause.Zero,
                "nothing that the loss sees depends on them",
                "remove or freeze them, or name what reads them with --also-output if some loss does see it");
        }

        if (zero.Length > 0)
        {
            var zeros = zero.Where(place => place.Count == evidence.Parameters[place.Tensor].Shape.Count && Causes.StartsAtZero(evidence.Parameters[place.Tensor]))
                .Select(place => evidence.Quoted(place.Tensor)).ToArray();
            yield return StuckPlaces.Draft(
                evidence, Rule, zero, "never move", StuckCause.Zero,
                "every term of their gradients holds a factor that is exactly zero at every step"
                    + (zeros.Length > 0 ? $": {Phrases.List(zeros)} {(zeros.Length == 1 ? "starts" : "start")} at zero and never {(zeros.Length == 1 ? "leaves" : "leave")} it" : ""),
                zeros.Length == 2 ? $"initialise all but one of {Phrases.List(zeros)} randomly: of factors that multiply each other only one may start at zero"
                    : zeros.Length > 1 ? $"of {Phrases.List(zeros)} initialise some randomly, so that of any that multiply each other at most one starts at zero (a sum, as of a weight and its bias, counts as one)"
                    : "find the factor behind them that stays zero (a zero weight or scale, a relu that is never positive) and initialise it randomly");
        }

        if (taps.Length > 0)
        {
            yield return StuckPlaces.Draft(
                evidence, Rule, taps, "never move", StuckCause.Zero,
                "they stand at the same places of all their kernels, which only meet padding or zeros at the sizes that were analysed",
                "nothing, if the model is trained at such sizes; else give larger ones with --dim, or export the model with larger ones");
        }

        foreach (var alike in cancelled.GroupBy(place => evidence.CancelledBy(place.Tensor), StringComparer.Ordinal))
        {
            yield return StuckPlaces.Draft(
                evidence, Rule, [.. alike], "never move", StuckCause.Cancellation,
                $"the terms of their gradients cancel exactly{(alike.Key is { } kind ? $", as what {kind} sends back sums to zero" : "")}; in floating point rounding noise is left, which adaptive optimisers amplify",
                "freeze or remove them if a normalisation or softmax behind them cancels what they add; else initialise the tensors around them randomly");
        }

        if (evidence.Analysis.Decaying is { } decaying) yield return Decaying(evidence, decaying);
        var lawful = StuckPlaces.HeldByLaw(evidence);
        if (lawful.Length > 0) yield return Lawful(evidence, lawful);
    }

    static Draft Decaying(Evidence evidence, IReadOnlyList<bool> decaying)
    {
        var places = evidence.Partition.Codes.Select((codes, tensor) => new StuckPlace(tensor, StuckCause.Zero, codes.LongCount(code => decaying[Math.Abs(code)]))).Where(place => place.Count > 0).ToArray();
        var draft = StuckPlaces.Draft(
            evidence, Rule, places, "only decay", StuckCause.Zero,
            "their gradient is zero at every step, so weight decay alone moves them, towards zero",
            "freeze them, or leave them out of weight decay, if their values matter; else remove them");
        return draft with { Finding = draft.Finding with { StuckBy = null }, HoldsIn = null };
    }

    static Draft Lawful(Evidence evidence, StuckPlace[] lawful)
    {
        var draft = StuckPlaces.Draft(
            evidence, Rule, lawful, "never move", StuckCause.Law,
            $"a linear law of gradient descent and momentum holds {Phrases.Them(lawful.Sum(place => place.Count))} at {Phrases.Their(lawful.Sum(place => place.Count))} start; Adam and other optimisers that scale each parameter's step do not keep it",
            $"initialise the tensors that {Phrases.They(lawful.Sum(place => place.Count))} multiplied with randomly");
        return draft with { Finding = draft.Finding with { Level = Level.Note }, HoldsIn = null };
    }
}

/// <summary>Recognises kernels of which whole places are stuck: what stands there never meets the input.</summary>
static class KernelPlaces
{
    /// <summary>Whether some places of all kernels of a tensor are stuck, and no other part of it.</summary>
    public static bool AreWhole(Evidence evidence, StuckPlace place)
    {
        var parameter = evidence.Parameters[place.Tensor];
        if (parameter.Role != ParameterRole.Convolution || place.Count == parameter.Shape.Count) return false;
        const int kernelAxes = 2; // those before run over channels
        var codes = evidence.Partition.Codes[place.Tensor];
        var each = parameter.Shape.Sizes.Skip(kernelAxes).Aggregate(1, (product, size) => product * size);
        for (var index = each; index < codes.Length; index++)
            if ((codes[index] == 0) != (codes[index % each] == 0)) return false;
        return true;
    }
}

/// <summary>Stuck parameters of one tensor that are stuck for one cause.</summary>
readonly record struct StuckPlace(int Tensor, StuckCause Cause, long Count);

/// <summary>Collects stuck parameters and says where they are; shared by TB002 and TB004.</summary>
static class StuckPlaces
{
    /// <summary>One entry for each tensor and cause, in order.</summary>
    public static IReadOnlyList<StuckPlace> Of(Evidence evidence)
    {
        var places = new List<StuckPlace>();
        for (var tensor = 0; tensor < evidence.Parameters.Count; tensor++)
        {
            var stuck = evidence.Counts.Tensors[tensor].Stuck;
            if (stuck == 0) continue;
            evidence.Cancellation.ThrowIfCancellationRequested();
            var codes = evidence.Partition.Codes[tensor];
            long cancelled = 0;
            for (var index = 0; index < codes.Length; index++)
                if (codes[index] == 0 && evidence.StuckBy(tensor, index) == StuckCause.Cancellation) cancelled++;
            cancelled += evidence.Streamed?.Cancelled(tensor) ?? 0;
            if (stuck > cancelled) places.Add(new StuckPlace(tensor, StuckCause.Zero, stuck - cancelled));
            if (cancelled > 0) places.Add(new StuckPlace(tensor, StuckCause.Cancellation, cancelled));
        }

        return places;
    }

    /// <summary>Parameters that move as far as patterns show, and are held by a law.</summary>
    public static StuckPlace[] HeldByLaw(Evidence evidence)
    {
        if (evidence.Analysis.HeldByLaw.Count == 0) return [];
        var held = evidence.Analysis.HeldByLaw.ToHashSet();
        return
        [
            .. evidence.Partition.Codes.Select((codes, tensor) => new StuckPlace(tensor, StuckCause.Law, codes.LongCount(code => held.Contains(Math.Abs(code))))).Where(place => place.Count > 0),
        ];
    }

    public static Draft Draft(Evidence evidence, Rule rule, IReadOnlyList<StuckPlace> places, string says, StuckCause cause, string because, string fix)
    {
        var count = places.Sum(place => place.Count);
        var where = places.Select(place => $"{evidence.Quoted(place.Tensor)} ({Phrases.Share(place.Count, evidence.Parameters[place.Tensor].Shape.Count)})").ToArray();
        return new Draft(
            new Finding
            {
                Rule = rule.Code,
                Name = rule.Name,
                Level = rule.Level,
                Tensor = evidence.Parameters[places[0].Tensor].Name,
                Tensors = [.. places.Select(place => evidence.Parameters[place.Tensor].Name).Distinct(StringComparer.Ordinal)],
                Message = $"{count:N0} {(count == 1 ? "parameter" : "parameters")} of {Phrases.List(where)} {(count == 1 ? says.Replace("never move", "never moves", StringComparison.Ordinal).Replace("only decay", "only decays", StringComparison.Ordinal) : says)}",
                Because = because,
                Fix = fix,
                StuckBy = cause switch { StuckCause.Zero => "zero", StuckCause.Law => "law", _ => "cancellation" },
            },
            [.. places.Select(place => place.Tensor).Distinct()],
            count,
            other => places.All(place => StaysStuck(evidence, place, other)));
    }

    static bool StaysStuck(Evidence evidence, StuckPlace place, Partition other)
    {
        var codes = evidence.Partition.Codes[place.Tensor];
        for (var index = 0; index < codes.Length; index++)
            if (codes[index] == 0 && other.Codes[place.Tensor][index] != 0 && evidence.StuckBy(place.Tensor, index) == place.Cause) return false;
        return true;
    }
}
