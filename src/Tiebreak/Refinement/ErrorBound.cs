using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Refinement;

/// <summary>
/// How likely one verification overlooks a false equation (theory §4), and so how many are needed.
/// <para>
/// Every value is a polynomial in independent random numbers: data, class values, oracle results, and reciprocals. A verification
/// evaluates it in several fields at once, its lanes, of primes drawn at random in [2⁶⁰, 2⁶¹). In one field a polynomial of degree D that is not
/// zero vanishes with chance at most D/2⁶⁰ (Schwartz-Zippel), or because the prime divides its coefficients, which happens with chance at most
/// (bits/60) · 42/2⁶⁰, as there are at least 2⁶⁰/42 such primes and an integer of b bits has at most b/60 such factors. Call the sum q.
/// </para>
/// <para>
/// An equation between two gradients is overlooked if it vanishes in all L fields, with chance qᴸ at the degree of gradients; or if two different arguments
/// of an oracle are confused, which takes agreement in all fields, as oracles see them all: each pair of arguments of one function, with both signs where it has a parity, has
/// chance qᴸ at the degree of arguments. Hence ε = q(gradients)ᴸ + pairs · q(arguments)ᴸ. Deep networks of products (hard-swish after hard-swish) have degrees
/// that two lanes cannot tell from zero; more lanes can. Where products of matrices are drawn, they see all fields, too: equations between vectors are among those that count, and pairs of vectors v and w that are confused, or v and −w, add
/// pairs · q(vectors)ᴸ.
/// </para>
/// </summary>
/// <param name="Lanes">How many fields one verification evaluates in.</param>
/// <param name="Epsilon">The chance that one verification overlooks a false equation; at most 1.</param>
sealed record ErrorBound(int Lanes, double Epsilon)
{
    /// <summary>2⁶⁰, the least number of values a draw from a field takes.</summary>
    public const double FieldSize = 1152921504606846976;

    const int FewestLanes = 2; // for the names of what oracles are applied to: one field has too many pairs of them
    const int MostLanes = 8;
    const int FewVerifications = 4;
    const int MostVerifications = 24;

    /// <summary>The fewest lanes that bring the bound down in a few verifications, as memory grows with them.</summary>
    /// <param name="degrees">Of the program whose outputs are gradients.</param>
    /// <param name="bound">The wanted bound.</param>
    public static ErrorBound Of(Degrees degrees, double bound)
    {
        for (var lanes = FewestLanes; lanes < MostLanes; lanes++)
            if (With(degrees, lanes, FieldSize) is var found && found.Reaches(bound)) return found;
        return With(degrees, MostLanes, FieldSize);
    }

    /// <summary>As many lanes as make lanes times verifications fewest, where memory is no concern.</summary>
    /// <param name="degrees">Of the program whose outputs are gradients.</param>
    /// <param name="bound">The wanted bound.</param>
    /// <param name="choices">The least number of values a draw takes.</param>
    public static ErrorBound Fastest(Degrees degrees, double bound, double choices) =>
        Enumerable.Range(FewestLanes, MostLanes - FewestLanes + 1).Select(lanes => With(degrees, lanes, choices)).MinBy(candidate => (candidate.Lanes * candidate.Needed(2, bound), candidate.Epsilon))!;

    /// <summary>The fewest lanes whose one verification keeps within a bound, or as many as there may be.</summary>
    /// <param name="degrees">Of the program whose outputs are gradients.</param>
    /// <param name="bound">The wanted bound.</param>
    /// <param name="choices">The least number of values a draw takes.</param>
    public static ErrorBound Once(Degrees degrees, double bound, double choices)
    {
        for (var lanes = FewestLanes; lanes < MostLanes; lanes++)
            if (With(degrees, lanes, choices) is var found && found.Epsilon <= bound) return found;
        return With(degrees, MostLanes, choices);
    }

    /// <summary>The bound of one verification in so many fields.</summary>
    public static ErrorBound With(Degrees degrees, int lanes, double choices)
    {
        double Vanishes(double degree, double bits) => Math.Min(1, degree / choices + bits / 60 * 42 / FieldSize);
        var vectors = degrees.VectorPairs == 0 ? 0 : Vanishes(degrees.OfVectors, degrees.BitsOfVectors);
        var equation = Math.Max(Vanishes(degrees.OfGradients, degrees.BitsOfGradients), vectors);
        var confusion = Vanishes(degrees.OfArguments, degrees.BitsOfArguments);
        return new ErrorBound(lanes, Math.Min(1, Math.Pow(equation, lanes) + degrees.VectorPairs * Math.Pow(vectors, lanes) + degrees.Pairs * Math.Pow(confusion, lanes)));
    }

    /// <summary>Whether this is as sure as a few verifications can make it.</summary>
    public bool Reaches(double bound) => Needed(1, bound) <= FewVerifications;

    /// <summary>How many verifications bring rounds · εᵏ below the bound; at least 1, and no more than are bearable.</summary>
    public int Verifications(int rounds, double bound) => (int)Math.Clamp(Needed(rounds, bound), 1, Math.Max(1, MostVerifications / Lanes));

    double Needed(int rounds, double bound) => Epsilon >= 1 ? double.PositiveInfinity : Math.Ceiling((Math.Log(bound) - Math.Log(rounds)) / Math.Log(Epsilon));
}
