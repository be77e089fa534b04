using Tiebreak.Formats;

namespace Tiebreak.Verification;

/// <summary>What is checked of a claim: all of it, or some classes and some stuck parameters that are drawn at random, so that nobody who writes a certificate can foresee them.</summary>
sealed class Sample
{
    const int Members = 20_000;
    const int StuckParameters = 5_000;

    readonly bool[]? _classes; // by number; null for all of them
    readonly bool[]?[]? _wanted; // by tensor, null for one of which nothing is checked; null for everything

    Sample(bool[]? classes, bool[]?[]? wanted) => (_classes, _wanted) = (classes, wanted);

    /// <summary>How many classes are checked.</summary>
    public long Classes { get; private init; }

    /// <summary>How many stuck parameters are checked.</summary>
    public long Stuck { get; private init; }

    /// <summary>Whether nothing is left out.</summary>
    public bool IsAll => _classes is null;

    /// <summary>All of a claim.</summary>
    public static Sample All(Claim claim) => new(null, null) { Classes = claim.Classes, Stuck = claim.Stuck };

    /// <summary>Random classes with all their members, at least one of them, and random stuck parameters.</summary>
    public static Sample Draw(Claim claim, Randomness random)
    {
        var residues = new Residues(random.For("prime").Prime());
        var members = new int[claim.Classes + 1];
        foreach (var codes in claim.Codes)
            foreach (var code in codes) members[Math.Abs(code)]++;
        var classes = new bool[claim.Classes + 1];
        var ofClasses = random.For("classes");
        long taken = 0, total = 0;
        for (UInt128 draw = 0; taken < claim.Classes && draw < Members; draw++)
        {
            var number = 1 + (int)(ofClasses.Draw(residues, draw) % (UInt128)claim.Classes);
            if (classes[number]) continue;
            if (taken > 0 && total + members[number] > Members) break;
            classes[number] = true;
            taken++;
            total += members[number];
        }

        var stuck = new HashSet<long>();
        var ofStuck = random.For("stuck");
        for (UInt128 draw = 0; draw < StuckParameters && claim.Stuck > 0; draw++) stuck.Add((long)(ofStuck.Draw(residues, draw) % (UInt128)claim.Stuck));
        if (claim.Stuck <= StuckParameters) stuck = [.. Enumerable.Range(0, (int)claim.Stuck)];

        var wanted = new bool[]?[claim.Codes.Count];
        long seen = 0;
        for (var tensor = 0; tensor < wanted.Length; tensor++)
        {
            var codes = claim.Codes[tensor];
            var flags = new bool[codes.Length];
            for (var k = 0; k < codes.Length; k++) flags[k] = codes[k] == 0 ? stuck.Contains(seen++) : classes[Math.Abs(codes[k])];
            if (flags.Contains(true)) wanted[tensor] = flags;
        }

        return new Sample(classes, wanted) { Classes = taken, Stuck = stuck.Count };
    }

    /// <summary>Whether a parameter is checked.</summary>
    public bool Has(int tensor, int place) => _wanted is null || _wanted[tensor]?[place] == true;

    /// <summary>The elements by which the gradient is needed, as <see cref="PlainPoint.Gradient"/> takes them.</summary>
    public IReadOnlyDictionary<string, bool[]?> Wanted(IReadOnlyList<ParameterTensor> parameters)
    {
        var wanted = new Dictionary<string, bool[]?>(StringComparer.Ordinal);
        for (var tensor = 0; tensor < parameters.Count; tensor++)
            if (_wanted is null || _wanted[tensor] is not null) wanted.Add(parameters[tensor].Name, _wanted?[tensor]);
        return wanted;
    }
}
