using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Refinement;

/// <summary>
/// How likely one verification overlooks a false equation (theory §4), and so how many are needed.
/// <para>
/// Every value is a polynomial in independent random numbers: data, class values, oracle results, and reciprocals. A verification
/// evaluates it in two fields at once, of two primes drawn at random in [2⁶⁰, 2⁶¹). In one field a polynomial of degree D that is not
/// zero vanishes with chance at most D/2⁶⁰ (Schwartz-Zippel), or because the prime divides its coefficients, which happens with chance at most
/// (bits/60) · 42/2⁶⁰, as there are at least 2⁶⁰/42 such primes and an integer of b bits has at most b/60 such factors. Call the sum q.
/// </para>
/// <para>
/// An equation between two gradients is overlooked if it vanishes in both fields, with chance q² at the degree of gradients; or if two different arguments
/// of an oracle are confused, which takes agreement in both fields, as oracles see both: N calls make fewer than N² pairs (each counted with both signs), each with
/// chance q² at the degree of arguments. Hence ε = q(gradients)² + N² · q(arguments)².
/// </para>
/// </summary>
static class ErrorBound
{
    const double FieldSize = 1152921504606846976; // 2⁶⁰, the least number of values a draw takes
    const int MostVerifications = 24;

    /// <summary>ε for one verification of the given gradient program; at most 1.</summary>
    /// <param name="program">The program whose outputs are gradients.</param>
    /// <param name="bits">The bits of the largest numerator or denominator among start values and constants.</param>
    public static double Epsilon(TensorProgram program, int bits)
    {
        var degrees = new Degrees(program);
        double Vanishes(double degree)
        {
            // Each factor may bring its bits and the number of terms of a sum (at most 2⁶⁴); each node may double a coefficient.
            var size = degree * (bits + 64) + program.Nodes.Count;
            return Math.Min(1, degree / FieldSize + size / 60 * 42 / FieldSize);
        }

        var equation = Vanishes(degrees.OfGradients);
        var confusion = Vanishes(degrees.OfArguments);
        return Math.Min(1, equation * equation + degrees.OracleCalls * degrees.OracleCalls * confusion * confusion);
    }

    /// <summary>The bits of the largest numerator or denominator that a verification may meet among the numbers of the model.</summary>
    public static int Bits(IEnumerable<ExactTensor> values) => values.Select(tensor => tensor.MostBits).Append(1).Max();

    /// <summary>How many verifications bring rounds · εᵏ below the bound; at least 1, and no more than are bearable.</summary>
    public static int Verifications(double epsilon, int rounds, double bound)
    {
        if (epsilon >= 1) return MostVerifications;
        var needed = Math.Ceiling((Math.Log(bound) - Math.Log(rounds)) / Math.Log(epsilon));
        return (int)Math.Clamp(needed, 1, MostVerifications);
    }
}
