using System.Security.Cryptography;
using Tiebreak.Formats;

namespace Tiebreak.Verification;

/// <summary>A claim about a model file with all that is needed to check it again: which file, read under which assumptions, and what is claimed.</summary>
public sealed record Certificate
{
    /// <summary>The version of the tool that wrote it.</summary>
    public required string Tool { get; init; }

    /// <summary>Every file the model was read from, relative to its folder, with its SHA-256 in hexadecimal; the model's own first.</summary>
    public required IReadOnlyList<(string Name, string Hash)> Files { get; init; }

    /// <summary>What is known of the loss: <c>any</c>, <c>mse</c>, <c>cross-entropy</c> or <c>outputs</c>.</summary>
    public required string Loss { get; init; }

    /// <summary>How the file is lowered, but for sizes and branches.</summary>
    public required LoweringOptions Lowering { get; init; }

    /// <summary>Sizes of free dimensions and branches taken; one entry for each way through the model.</summary>
    public required IReadOnlyList<Way> Ways { get; init; }

    /// <summary>The optimiser.</summary>
    public required string Optimizer { get; init; }

    /// <summary>Whether there is weight decay.</summary>
    public bool Decays { get; init; }

    /// <summary>Globs of tensors with a learning rate of their own.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>What all numbers of the data lie in; null for anything.</summary>
    public (double Low, double High)? InputRange { get; init; }

    /// <summary>The convention at kinks: <c>frameworks</c>, which take relu′(0) = 0 and the first of equal largest elements.</summary>
    public string Kinks { get; init; } = "frameworks";

    /// <summary>The seed of the analysis.</summary>
    public ulong Seed { get; init; }

    /// <summary>The rounds of the analysis.</summary>
    public int Rounds { get; init; }

    /// <summary>The verifications that its result passed.</summary>
    public int Verifications { get; init; }

    /// <summary>The bound that was asked of the analysis, which decides how often it verifies.</summary>
    public double Asked { get; init; }

    /// <summary>The chance that one of them overlooks a false equation.</summary>
    public double Epsilon { get; init; }

    /// <summary>The chance that the claim is wrong.</summary>
    public double ErrorBound { get; init; }

    /// <summary>The names and shapes of the tensors, in the model's order.</summary>
    public required IReadOnlyList<(string Name, int[] Shape)> Tensors { get; init; }

    /// <summary>What is claimed.</summary>
    public required Claim Claim { get; init; }

    /// <summary>The SHA-256 of files, named relative to the folder of the first.</summary>
    /// <exception cref="IOException">One cannot be read.</exception>
    public static IReadOnlyList<(string Name, string Hash)> HashesOf(IReadOnlyList<string> files)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(files[0]))!;
        var hashes = new List<(string, string)>();
        foreach (var file in files)
        {
            using var stream = File.OpenRead(file);
            hashes.Add((Path.GetRelativePath(folder, Path.GetFullPath(file)).Replace('\\', '/'), Convert.ToHexStringLower(SHA256.HashData(stream))));
        }

        return hashes;
    }

    /// <summary>What contradicts itself in what is said of the analysis; null if nothing does.</summary>
    public string? Inconsistency()
    {
        const double Tolerance = 1e-6;
        if (Rounds < 1) return $"it says that it took {Rounds} rounds";
        if (Verifications < 1) return $"it says that it was verified {Verifications} times";
        if (!(Epsilon is > 0 and <= 1)) return $"its epsilon is {Epsilon}, which no verification has";
        var bound = Math.Min(1, Rounds * Math.Pow(Epsilon, Verifications));
        return Math.Abs(bound - ErrorBound) <= Tolerance * bound ? null : $"its error bound is {ErrorBound}, where {Rounds} rounds and {Verifications} verifications with chance {Epsilon} make {bound}";
    }
}
