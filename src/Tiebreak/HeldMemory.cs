using Tiebreak.Formats;

namespace Tiebreak;

/// <summary>What it takes to hold a code for each parameter of a model, and whether there is so much.</summary>
static class HeldMemory
{
    /// <summary>What the ordinary analysis takes for each parameter, measured on models of 10⁷ to 10⁸.</summary>
    public const long BytesEach = 110;

    /// <summary>What to do where it is too much.</summary>
    public const string Remedy = "plain `tiebreak check`, without data, groups, weight decay, ranges, laws, witnesses, tolerance, partition or certificate, streams large matrices and takes less; else take a machine with more memory, or say with `check --memory` what it may take";

    /// <summary>What the machine has, or its control group.</summary>
    public static long Available => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>What is held where nobody said how much may be.</summary>
    public static long Half => Available / 2;

    /// <summary>Stops before memory is taken that there is not.</summary>
    /// <exception cref="TiebreakException">The model is too large to be held.</exception>
    public static void Require(Model model, long? allowed)
    {
        var (count, most) = (model.Parameters.Sum(parameter => parameter.Shape.Count), allowed ?? Available);
        if (count <= most / BytesEach) return;
        throw new TiebreakException($"a verdict for each of {count:N0} parameters takes about {Gigabytes(count * (double)BytesEach)}, and {(allowed is null ? "this machine has" : "--memory allows")} {Gigabytes(most)}; {(allowed is null ? "" : "raise it, or: ")}{Remedy}");
    }

    static string Gigabytes(double bytes) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{(bytes < 10L << 30 ? bytes / (1 << 20) : bytes / (1L << 30)):0.#} {(bytes < 10L << 30 ? "MiB" : "GiB")}");
}
