namespace Tiebreak.Verification;

/// <summary>What a certificate claims of the parameters of a model.</summary>
/// <param name="Codes">For each tensor one code a parameter, row-major: 0 is stuck, +c and −c are the two signs of class c; classes count from 1 by first appearance, the first member is positive.</param>
/// <param name="FirstSteps">For each class the step at which it first moves; index 0 is unused.</param>
public sealed record Claim(IReadOnlyList<int[]> Codes, IReadOnlyList<int> FirstSteps)
{
    /// <summary>The number of classes.</summary>
    public int Classes => FirstSteps.Count - 1;

    /// <summary>The number of stuck parameters.</summary>
    public long Stuck { get; } = Codes.Sum(codes => (long)codes.AsSpan().Count(0));

    /// <summary>What is wrong with the form of the claim: the numbering, or a first step; null if nothing is.</summary>
    public string? Malformed()
    {
        var seen = 0;
        foreach (var codes in Codes)
        {
            foreach (var code in codes)
            {
                if (Math.Abs((long)code) > Classes) return $"it puts a parameter into class {Math.Abs((long)code)} of {Classes}";
                if (Math.Abs(code) > seen + 1) return $"its classes are not numbered by first appearance (class {Math.Abs(code)} comes before class {seen + 1})";
                if (Math.Abs(code) != seen + 1) continue;
                if (code < 0) return $"the first member of class {seen + 1} has a negative sign";
                seen++;
            }
        }

        if (seen < Classes) return $"class {seen + 1} has no members";
        for (var number = 1; number <= Classes; number++)
            if (FirstSteps[number] < 1) return $"the first step of class {number} is {FirstSteps[number]}";
        // Every step before the last first step moves something that did not move before it.
        var parameters = Codes.Sum(codes => codes.LongLength);
        for (var number = 1; number <= Classes; number++)
            if (FirstSteps[number] > parameters) return $"the first step of class {number} is {FirstSteps[number]:N0}, where {parameters:N0} parameters have all begun to move before, or never do";
        return null;
    }
}
