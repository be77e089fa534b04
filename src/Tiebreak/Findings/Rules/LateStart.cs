using Tiebreak.Refinement;

namespace Tiebreak.Findings.Rules;

/// <summary>TB008: parameters that cannot move before a later step.</summary>
static class LateStart
{
    /// <summary>With more different steps than this, one finding tells of all.</summary>
    const int MostSteps = 4;

    public static Rule Rule { get; } = new("TB008", "late-start", Level.Note, "cannot move before step k > 1");

    public static IEnumerable<Draft> Find(Evidence evidence)
    {
        var steps = evidence.Counts.Starts.SelectMany(starts => starts.Keys).Where(step => step > 1).Distinct().Order().ToArray();
        if (steps.Length > MostSteps) yield return Late(evidence, steps);
        else
            foreach (var step in steps) yield return Late(evidence, [step]);
    }

    static Draft Late(Evidence evidence, int[] steps)
    {
        var places = new List<(int Tensor, long Count)>();
        for (var tensor = 0; tensor < evidence.Parameters.Count; tensor++)
        {
            var count = steps.Sum(step => evidence.Counts.Starts[tensor].GetValueOrDefault(step));
            if (count > 0) places.Add((tensor, count));
        }

        var total = places.Sum(place => place.Count);
        var where = places.Select(place => $"{evidence.Quoted(place.Tensor)} ({Phrases.Share(place.Count, evidence.Parameters[place.Tensor].Shape.Count)})").ToArray();
        var when = steps.Length == 1 ? $"step {steps[0]}" : $"a step between {steps[0]} and {steps[^1]}";
        return new Draft(
            new Finding
            {
                Rule = Rule.Code,
                Name = Rule.Name,
                Level = Rule.Level,
                Tensor = evidence.Parameters[places[0].Tensor].Name,
                Tensors = [.. places.Select(place => evidence.Parameters[place.Tensor].Name)],
                Message = $"{total:N0} {(total == 1 ? "parameter" : "parameters")} of {Phrases.List(where)} cannot move before {when}",
                Because = total == 1 ? "until then its gradient is exactly zero: something between it and the loss has to leave its start value first"
                    : "until then every gradient they get is exactly zero: something between them and the loss has to leave its start value first",
                Fix = $"nothing, if this is meant (a zero last layer, an adapter that starts as nothing); else initialise what stands between {Phrases.Them(total)} and the loss randomly",
            },
            [.. places.Select(place => place.Tensor)],
            total,
            other => places.All(place => StartsAt(evidence, place.Tensor, steps, other)));
    }

    static bool StartsAt(Evidence evidence, int tensor, int[] steps, Partition other)
    {
        var codes = evidence.Partition.Codes[tensor];
        for (var index = 0; index < codes.Length; index++)
        {
            if (codes[index] == 0 || evidence.Analysis.HeldByLaw.Contains(Math.Abs(codes[index]))) continue;
            var step = evidence.Partition.FirstSteps[Math.Abs(codes[index])];
            if (steps.Contains(step) && (other.Codes[tensor][index] == 0 || other.FirstSteps[Math.Abs(other.Codes[tensor][index])] != step)) return false;
        }

        return true;
    }
}
