using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Refinement;
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
            Asked = result.Options.ErrorBound,
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
        Verdict Refused(string violation) => new(violation, 0, 1, 0, read.Claim.Classes, 0, read.Claim.Stuck, null);
        if (read.Inconsistency() is { } inconsistency) return Refused($"the certificate contradicts itself: {inconsistency}");
        if (read.Claim.Malformed() is { } malformed) return Refused($"the certificate is malformed: {malformed}");
        if (read.ErrorBound > options.ErrorBound) return Refused($"the certificate's own error bound is {read.ErrorBound:0.##e-0}, more than the {options.ErrorBound:0.##e-0} asked for; certify it with `--error-bound {options.ErrorBound:0.##e-0}`, or accept more");
        var check = new CheckOptions
        {
            Loss = read.Loss switch { "mse" => LossKind.MeanSquaredError, "cross-entropy" => LossKind.CrossEntropy, "outputs" => LossKind.Outputs, _ => LossKind.Any },
            Optimizer = read.Optimizer,
            Groups = read.Groups,
            WeightDecay = read.Decays ? Rational.One : Rational.Zero,
            InputRange = read.InputRange,
            ErrorBound = read.Asked,
            Cancellation = options.Cancellation,
        };
        using var file = Check.Open(path, check);
        var model = Ways.Lower(file, read.Lowering, read.Ways);
        var hashes = Certificate.HashesOf(file.Files);
        foreach (var (name, hash) in hashes.Skip(1).Prepend((Name: read.Files.Count > 0 ? read.Files[0].Name : "", hashes[0].Hash)))
            if (!read.Files.Contains((name, hash))) return Refused($"`{(name.Length == 0 ? path : name)}` is not the file that was certified: its SHA-256 is {hash}");
        if (read.Files.Count != hashes.Count) return Refused($"the certificate is of {read.Files.Count} files, and the model reads {hashes.Count}");
        if (DifferentTensor(model, read) is { } difference) return Refused(difference);
        if (DifferentWay(model, read) is { } way) return Refused(way);
        NameGlob.RequireHits(read.Groups, [.. model.Parameters.Select(parameter => parameter.Name)], "the certificate's group");
        var verdict = Verifier.Check(model, read.Claim, options with { ErrorBound = Math.Min(options.ErrorBound, read.Asked), Decays = read.Decays, GroupOf = Optimizers.Groups(check), InputRange = read.InputRange });
        if (verdict.Violation is null && (DifferentAnalysis(model, read, check) ?? DifferentRounds(model, read.Rounds, verdict.Rounds)) is { } analysis)
            verdict = verdict with { Violation = $"the certificate misstates how its claim was found: {analysis}" };
        return verdict with { Assumptions = Assumed(model, read) };
    }

    // What the analysis says of itself is no part of the proof, but whoever reads it should not be misled: the chance is derived again, and the number of verifications from it.
    static string? DifferentAnalysis(Model model, Certificate read, CheckOptions check)
    {
        const double Tolerance = 1e-9;
        if (!OptionValues.IsErrorBound(read.Asked)) return $"no analysis can be asked for a bound of {read.Asked}";
        using var search = new SmallestInvariantSet.Search(model, Check.Refinement(check));
        if (Math.Abs(search.Bound.Epsilon - read.Epsilon) > Tolerance * search.Bound.Epsilon) return $"it says that a verification errs with chance {read.Epsilon:0.##e-0}, and for this model that is {search.Bound.Epsilon:0.##e-0}";
        var (fewest, most) = (search.Bound.Verifications(1, read.Asked), search.Bound.Verifications(read.Rounds, read.Asked));
        if (!model.HasDropout) fewest = most; // with dropout two searches share the rounds, and only the second decides
        return read.Verifications >= fewest && read.Verifications <= most ? null : $"it says that it was verified {read.Verifications} times, where a bound of {read.Asked:0.##e-0} takes {most}";
    }

    // With dropout the rounds are those of two searches; very large tensors are passed over in some.
    static string? DifferentRounds(Model model, int claimed, int? rounds)
    {
        if (rounds is not { } own) return null;
        var mayBeMore = model.HasDropout || model.Parameters.Any(parameter => parameter.Shape.Count > SmallestInvariantSet.LargeTensor);
        return claimed == own || (mayBeMore && claimed > own) ? null : $"it says that it took {claimed} {(claimed == 1 ? "round" : "rounds")}, and it takes {own}";
    }

    static string? DifferentWay(Model model, Certificate read)
    {
        foreach (var (given, taken) in read.Ways.Zip(model.Ways))
        {
            if (given.Branches.Count != taken.Branches.Count) return $"the certificate decides {given.Branches.Count} branches, where data decide {taken.Branches.Count}";
            if (given.Dims.Keys.FirstOrDefault(name => !taken.Dims.ContainsKey(name)) is { } unknown) return $"the certificate gives `{unknown}` a size, and the model has no such free dimension";
            if (given.Dims.FirstOrDefault(dim => taken.Dims[dim.Key] != dim.Value) is { Key: { } other }) return $"the certificate is for `{other}` = {given.Dims[other]}, and the model was read at {taken.Dims[other]}";
        }

        return null;
    }

    static VerifiedAssumptions Assumed(Model model, Certificate read)
    {
        var dims = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var (name, size) in model.Dims) dims.Add(name, size);
        if (read.Lowering.Batch is { } batch) dims.TryAdd("batch", batch);
        return new VerifiedAssumptions(
            read.Loss == "any" && model.OutputIsLoss ? "outputs" : read.Loss, model.OutputNames, [.. model.Frozen.Select(tensor => tensor.Name)], read.Lowering.Opaque,
            !model.HasBatchNorm ? "none" : read.Lowering.BatchNormTraining ? "training" : "inference", !read.Lowering.Dropout ? "off" : model.HasDropout ? "on" : "none",
            dims, read.Ways.Count, read.Optimizer, read.Decays, read.Groups, read.InputRange, read.Kinks);
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
