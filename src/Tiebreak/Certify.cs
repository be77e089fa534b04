using Tiebreak.Formats;
using Tiebreak.Verification;

namespace Tiebreak;

/// <summary>The third door: certificates of what a check found, and their verification.</summary>
public static class Certify
{
    /// <summary>What a check found, as a certificate.</summary>
    /// <param name="result">The result of <see cref="Check.Model"/>.</param>
    /// <param name="tool">The version to name as its author.</param>
    /// <exception cref="TiebreakException">There is no verdict, or one for given data, which certificates do not cover.</exception>
    public static Certificate Of(CheckResult result, string tool)
    {
        var analysis = result.Analysis;
        if (analysis.Partition is not { } partition) throw new TiebreakException($"{result.Path}: there is no verdict to certify; see the findings without `--certificate`");
        if (result.Options.Data is not null) throw new TiebreakException("`--certificate` is of what holds for any data; leave out `--data`, or `--certificate`");
        return new Certificate
        {
            Tool = tool,
            Files = Certificate.HashesOf(result.Files),
            Loss = result.Options.Loss switch { LossKind.MeanSquaredError => "mse", LossKind.CrossEntropy => "cross-entropy", LossKind.Outputs => "outputs", _ => "any" },
            Lowering = analysis.Lowering,
            Ways = analysis.Model.Ways,
            Optimizer = result.Options.Optimizer,
            Decays = !result.Options.WeightDecay.IsZero,
            Groups = result.Options.Groups,
            InputRange = result.Options.InputRange,
            Seed = result.Options.Seed,
            Rounds = analysis.Rounds,
            Verifications = analysis.Verifications,
            Epsilon = analysis.Epsilon,
            ErrorBound = analysis.ErrorBound,
            Tensors = [.. analysis.Model.Parameters.Select(parameter => (parameter.Name, parameter.Shape.Sizes.ToArray()))],
            Claim = new Claim(partition.Codes, partition.FirstSteps),
        };
    }

    /// <summary>Checks a certificate against a model, with code of its own.</summary>
    /// <param name="path">The model.</param>
    /// <param name="certificate">The certificate's file.</param>
    /// <param name="options">Randomness and bound; what the certificate assumes is taken from it.</param>
    /// <exception cref="TiebreakException">One of them cannot be read, or the model is too large for a plain check.</exception>
    /// <exception cref="OperationCanceledException">Cancelled through the options.</exception>
    public static Verdict Verify(string path, string certificate, VerifierOptions options)
    {
        const long MostParameters = 1 << 28;
        var read = CertificateFile.Read(certificate, MostParameters);
        Verdict Refused(string violation) => new(violation, 0, 1, 0, read.Claim.Classes, 0, read.Claim.Codes.Sum(codes => codes.LongCount(code => code == 0)), null);
        if (read.Inconsistency() is { } inconsistency) return Refused($"the certificate contradicts itself: {inconsistency}");
        if (read.Claim.Malformed() is { } malformed) return Refused($"the certificate is malformed: {malformed}");
        var check = new CheckOptions
        {
            Loss = read.Loss switch { "mse" => LossKind.MeanSquaredError, "cross-entropy" => LossKind.CrossEntropy, "outputs" => LossKind.Outputs, "any" => LossKind.Any, var other => throw new TiebreakException($"{certificate}: is a damaged certificate: there is no loss `{other}`") },
            Optimizer = read.Optimizer,
            Groups = read.Groups,
        };
        using var file = Check.Open(path, check);
        var model = Ways.Lower(file, read.Lowering, read.Ways);
        var hashes = Certificate.HashesOf(file.Files);
        foreach (var (name, hash) in hashes.Skip(1).Prepend((Name: read.Files.Count > 0 ? read.Files[0].Name : "", hashes[0].Hash)))
            if (!read.Files.Contains((name, hash))) return Refused($"`{(name.Length == 0 ? path : name)}` is not the file that was certified: its SHA-256 is {hash}");
        if (read.Files.Count != hashes.Count) return Refused($"the certificate is of {read.Files.Count} files, and the model reads {hashes.Count}");
        if (DifferentTensor(model, read) is { } difference) return Refused(difference);
        return Verifier.Check(model, read.Claim, options with { Decays = read.Decays, GroupOf = Optimizers.Groups(check), InputRange = read.InputRange });
    }

    static string? DifferentTensor(Model model, Certificate read)
    {
        for (var tensor = 0; tensor < Math.Min(model.Parameters.Count, read.Tensors.Count); tensor++)
        {
            var (parameter, (name, shape)) = (model.Parameters[tensor], read.Tensors[tensor]);
            if (parameter.Name != name || !parameter.Shape.Sizes.SequenceEqual(shape)) return $"the certificate is of `{name}` [{string.Join(',', shape)}] where the model has `{parameter.Name}` {parameter.Shape}";
        }

        return model.Parameters.Count == read.Tensors.Count ? null : $"the certificate is of {read.Tensors.Count} tensors, and the model has {model.Parameters.Count}";
    }
}
