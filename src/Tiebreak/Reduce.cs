using Tiebreak.Findings;
using Tiebreak.Formats;
using Tiebreak.Refinement;
using Tiebreak.Repairs;
using Tiebreak.Repairs.Merging;
using Tiebreak.Repairs.NearTies;

namespace Tiebreak;

/// <summary>The fifth door: the smaller network that computes the same, and trains alike.</summary>
public static class Reduce
{
    /// <summary>Writes a model with one unit for each class of units that are always equal, and no copies of sub-networks.</summary>
    /// <param name="path">A formula (<c>.tb</c>) or an ONNX file (<c>.onnx</c>).</param>
    /// <param name="output">The new model, of the same kind.</param>
    /// <param name="options">What to assume; null for the defaults.</param>
    /// <exception cref="TiebreakException">The model cannot be read, or the output not be written; nothing is left behind then.</exception>
    /// <exception cref="OperationCanceledException">Cancelled through the options.</exception>
    public static ReduceResult Model(string path, string output, ReduceOptions? options = null)
    {
        options ??= new ReduceOptions();
        if (ModelFile.IsCheckpoint(path)) throw new TiebreakException($"{path}: `reduce` does not write checkpoints yet; export the model to ONNX and reduce that");
        StagedFiles.Refuse(output, [path], options.Force);
        var check = options.Check with { Witness = false, Laws = false, Data = null, Map = new CheckOptions().Map };
        RefuseTolerance(options);
        if (check.InputRange is not null) throw new TiebreakException("a smaller model is for any data, not only for a range of it; leave out `--input-range`");
        if (check.Outputs.Count > 0) throw new TiebreakException("a smaller model keeps all outputs of the file; leave out `--outputs`");
        if (options.ForTraining && check.Optimizer is not ("sgd" or "momentum" or "nesterov"))
            throw new TiebreakException($"no constant learning rates make a smaller model train like the large one under {check.Optimizer}, which scales each parameter's step; leave out `--optimizer`, or keep only the function with `--for inference`");
        if (options.ForTraining && !check.WeightDecay.IsZero)
            throw new TiebreakException("under weight decay no learning rates make a smaller model train like the large one; leave out `--weight-decay`, or keep only the function with `--for inference`");
        using var file = Check.Open(path, check);
        StagedFiles.Refuse(output, file.Files, options.Force);
        var refinement = Check.Refinement(check);
        var subject = options.ForTraining ? ForTraining(file, check, refinement) : ForInference(file, check, refinement);
        IModelFile Open(string staged) => Check.Open(staged, check);
        StagedFiles Scratch() => StagedFiles.For(output, file.Files, options.Force, check.Cancellation);
        if (options.Tolerance is not { } tolerance) return Written(path, output, options, subject, Reduction.Of(subject, Open, Scratch, options.ForTraining, refinement), refinement, Open, Scratch);

        // The samples are bound first: a table that does not fit is found before the work.
        using var data = options.Check.Data is null ? null : ModelOnData.Of(file, ForError(options.Check));
        using var near = NearReduction.Of(subject, tolerance, snapped => ForInference(snapped, check, refinement), Open, Scratch, refinement);
        return Written(path, output, options, near.Snapped, near.Small, refinement, Open, Scratch, (result, model) => result with
        {
            NearTies = near.Ties,
            Error = near.Ties.Count == 0 && data is null ? null : Error(subject, data, model, options.Check, refinement),
        });
    }

    static void RefuseTolerance(ReduceOptions options)
    {
        if (options.Tolerance is not { } tolerance)
        {
            if (options.Check.Data is not null) throw new TiebreakException("a smaller model is for any data; leave out `--data`, or merge what is nearly equal with `--tolerance T` and measure the error on it");
            return;
        }

        if (!OptionValues.IsTolerance(tolerance)) throw new TiebreakException($"`--tolerance` takes a number from 0 to below 1, for instance 1e-3, not `{tolerance.ToString("R", System.Globalization.CultureInfo.InvariantCulture)}`");
        if (options.ForTraining) throw new TiebreakException("units that only nearly agree do not train like one, so `--tolerance` is for inference; leave out `--for training`");
    }

    static CheckOptions ForError(CheckOptions check) => check with { BatchNormTraining = false, Dropout = false };

    // What the small model, as it is stored, computes otherwise than the large one as it was given.
    static OutputErrors? Error(LargeModel large, ModelOnData? data, IModelFile small, CheckOptions check, RefinementOptions refinement)
    {
        refinement.Progress?.Invoke("comparing");
        if (data is null) return OutputErrors.OnRandomInputs(large.Model, large.Lower(small), refinement);
        using var other = ModelOnData.Of(small, ForError(check));
        if (other.Samples.RowsPerRun != data.Samples.RowsPerRun) throw new TiebreakException($"{data.Samples.Path}: the smaller model takes another number of rows at a time, so the error cannot be measured; please report this model");
        return OutputErrors.On(data.Model, other.Model, data.Samples, refinement);
    }

    // Parameters may be wherever training can take them.
    static LargeModel ForTraining(IModelFile file, CheckOptions check, RefinementOptions refinement)
    {
        var analysis = Check.Analyse(file, check, refinement);
        if (analysis.Partition is not { } partition) throw NotFinite(file, analysis.NonFinite[0]);
        var lowering = analysis.Lowering with { NamedWeights = true };
        var model = LowerAt(file, lowering, analysis.Model.Ways);
        return new LargeModel(file, model, State.Of(model, partition), other => LowerAt(other, lowering, analysis.Model.Ways), Others(file, lowering, model));
    }

    // Parameters stay where they are.
    static LargeModel ForInference(IModelFile file, CheckOptions check, RefinementOptions refinement)
    {
        var lowering = Check.Lowering(check) with { NamedWeights = true, BatchNormTraining = false, Dropout = false };
        var step = 0;
        var ways = new Sizes(file, lowering).Smallest(ref step).Ways;
        var model = LowerAt(file, lowering, ways);
        if (NonFiniteValues.Among([.. model.Parameters, .. model.Frozen]) is { Count: > 0 } places) throw NotFinite(file, places[0]);
        return new LargeModel(file, model, State.AllStuck(model), other => LowerAt(other, lowering, ways), Others(file, lowering, model));
    }

    static TiebreakException NotFinite(IModelFile file, NonFinitePlace place) => new($"{file.Whole}: {place.Message}, so there is no function to keep; mend the numbers first");

    static Model LowerAt(IModelFile file, LoweringOptions lowering, IReadOnlyList<Way> ways) =>
        ways.Count > 1 ? throw new TiebreakException($"{file.Files[0]}: data decide between {ways.Count} ways through the model, and only models of one way can be made smaller; export it with fixed branches") : Ways.Lower(file, lowering, ways);

    // Sizes written down in the file must be right at all sizes, and at the batch the file has.
    static List<Func<IModelFile, Model>> Others(IModelFile file, LoweringOptions lowering, Model model)
    {
        const int Steps = 4;
        var plain = lowering with { Dropout = false, Batch = null };
        var others = new List<Func<IModelFile, Model>>();
        if (lowering.Batch is not null) others.Add(other => LowerAt(other, plain, model.Ways));
        if (file.FreeDims.Count == 0) return others;
        var sizes = new Sizes(file, plain);
        for (var step = 1; sizes.AnyFree && step <= Steps; step++)
        {
            var at = step;
            try
            {
                var larger = sizes.Smallest(ref at);
                if (larger.Ways.Count != 1 || !larger.Dims.Any(dim => dim.Value != model.Dims.GetValueOrDefault(dim.Key))) continue;
                others.Add(other => LowerAt(other, plain, larger.Ways));
                break;
            }
            catch (TiebreakException)
            {
                // These sizes mean nothing to the model.
            }
        }

        return others;
    }

    // Units that compute the same, and tensors that do nothing.
    static IEnumerable<string> StillThere(Model model, RefinementOptions refinement)
    {
        refinement.Progress?.Invoke("what stays");
        foreach (var unit in LeftUnits.Of(model, Reduction.Run(model, State.AllStuck(model), 2, refinement), isForTraining: false).Units) yield return unit.ToString();
        var idle = IdleTensors.Of(model, refinement);
        if (idle.Count == 0) yield break;
        const int Most = 6;
        var names = string.Join(", ", idle.Take(Most).Select(name => $"`{name}`")) + (idle.Count > Most ? $" and {idle.Count - Most} more" : "");
        yield return idle.Count == 1 ? $"{names} does nothing: no output depends on its numbers, so it can be taken out where the model is made" : $"{names} do nothing: no output depends on their numbers, so they can be taken out where the model is made";
    }

    static ReduceResult Written(string path, string output, ReduceOptions options, LargeModel subject, SmallModel small, RefinementOptions refinement, Func<string, IModelFile> open, Func<StagedFiles> scratch, Func<ReduceResult, IModelFile, ReduceResult>? measured = null)
    {
        using var files = scratch();
        IReadOnlyList<TensorRates>? rates = null;
        if (options.ForTraining && small.Units is not null)
        {
            // The rates are part of the file, and need a file to be measured on.
            using var trial = scratch();
            Write(subject, small, trial, open, scratch, []);
            using var draft = open(trial.StagedModel);
            rates = RateFactors.Of(subject.Model, subject.State, Exact(subject.Lower(draft), small), small.Plans, refinement);
        }
        else if (options.ForTraining && small.Copies is not null)
        {
            using var trial = scratch();
            Write(subject, small, trial, open, scratch, []);
            using var draft = open(trial.StagedModel);
            rates = RateFactors.Of(subject.Model, subject.State, subject.Lower(draft), small.Plans, refinement);
        }

        Write(subject, small, files, open, scratch, Metadata(path, options, rates));
        using var result = open(files.StagedModel);
        var model = subject.Lower(result);
        refinement.Progress?.Invoke("comparing");
        var difference = FloatDifference.Between(Inference(subject.Model, subject.File, options), Inference(model, result, options), refinement);
        var before = Size(subject.File, subject.Model);
        var left = small.Left.ToList();
        left.AddRange(options.ForTraining ? StillTied(files.StagedModel, options.Check, rates) : StillThere(Exact(model, small), refinement));
        var outcome = new ReduceResult
        {
            Path = path,
            Output = output,
            Options = options,
            Model = subject.Model,
            Before = before,
            After = Size(result, model),
            Tensors = Changes(subject.Model, model),
            Rates = rates,
            Float = difference,
            Rounded = RoundedNumbers(model, small),
            Points = SameFunction.Points,
            Left = left,
            Notes = options.ForTraining && rates is null && small.Units is not null ? ["no constant learning rates make it train like the large model; it computes the same"] : [],
        };
        outcome = measured?.Invoke(outcome, result) ?? outcome;
        options.Check.Cancellation.ThrowIfCancellationRequested();
        files.Keep();
        return outcome;

        Model Inference(Model of, IModelFile from, ReduceOptions how) =>
            how.ForTraining && (of.HasBatchNorm || of.HasDropout) ? Ways.Lower(from, Check.Lowering(how.Check) with { NamedWeights = true, BatchNormTraining = false, Dropout = false, Batch = how.Check.Batch }, of.Ways) : of;
    }

    static void Write(LargeModel subject, SmallModel small, StagedFiles files, Func<string, IModelFile> open, Func<StagedFiles> scratch, IReadOnlyList<(string, string)> metadata)
    {
        if (small.Units is null)
        {
            if (small.Copies is null) subject.File.WriteChanged(files, new ModelChanges()); // byte for byte
            else subject.File.WriteShrunk(files, small.Copies with { Metadata = metadata });
            return;
        }

        if (small.Copies is null)
        {
            subject.File.WriteShrunk(files, small.Units with { Metadata = metadata });
            return;
        }

        using var between = scratch();
        subject.File.WriteShrunk(between, small.Copies);
        using var file = open(between.StagedModel);
        file.WriteShrunk(files, small.Units with { Metadata = metadata });
    }

    static Model Exact(Model model, SmallModel small)
    {
        if (small.Units is null) return model;
        ParameterTensor Of(ParameterTensor parameter) => small.Units!.Weights.TryGetValue(parameter.Name, out var weight) ? parameter with { Start = weight.Values } : parameter;
        return model with { Parameters = [.. model.Parameters.Select(Of)], Frozen = [.. model.Frozen.Select(Of)] };
    }

    static (string, string)[] Metadata(string path, ReduceOptions options, IReadOnlyList<TensorRates>? rates)
    {
        var made = ("tiebreak.reduced", $"from {System.IO.Path.GetFileName(path)} for {(options.ForTraining ? "training" : "inference")}{(options.Tolerance is { } tolerance ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $", tolerance {tolerance:R}") : "")}");
        return rates is null || rates.All(rate => rate.IsOne) ? [made] : [made, ("tiebreak.learning-rates", RateText.Json(rates))];
    }

    static string[] StillTied(string staged, CheckOptions options, IReadOnlyList<TensorRates>? rates)
    {
        // What has a learning rate of its own is in lockstep with nothing else.
        options = options with { Groups = [.. options.Groups, .. (rates ?? []).Where(rate => !rate.IsOne).Select(rate => rate.Name)] };
        using var file = Check.Open(staged, options);
        var again = Check.Of(file, staged, options with { Progress = null }, advises: false);
        Finding[] tied = [.. again.Findings.Where(finding => finding.Rule is "TB001" or "TB003" or "TB007")];
        LeftUnits? units = null;
        if (tied.Length > 0)
        {
            var model = LowerAt(file, again.Analysis.Lowering with { NamedWeights = true }, again.Analysis.Model.Ways);
            units = LeftUnits.Of(model, Reduction.Run(model, State.Of(model, again.Analysis.Partition!), 2, Check.Refinement(options with { Progress = null })), isForTraining: true);
        }

        return
        [
            .. tied.Select(finding => $"still in lockstep: {finding.Message}; they stay: {Reason(finding, units!)}"),
            .. again.Findings.Where(finding => finding.Rule == "TB002").Select(finding => $"still stuck: {finding.Message}, as {finding.Because.Split("; ")[0]}"),
            .. again.Findings.Where(finding => finding.Rule == "TB004").Select(finding => $"still redundant: {finding.Message}, as what follows cancels it; `fix --drop-redundant` takes such biases away where that changes nothing"),
        ];
    }

    // Slices are units that something keeps; what is no slice is single weights, of which no unit consists.
    static string Reason(Finding finding, LeftUnits units) =>
        finding is { Tensor: { } tensor, Axis: { } axis } ? units.Reason(tensor, axis, finding.Indices) ?? units.Units.FirstOrDefault(unit => unit.Tensor == tensor || finding.Tensors.Contains(unit.Tensor, StringComparer.Ordinal))?.Reason ?? PinReasons.Unknown
        : finding.Rule == "TB007" ? PinReasons.Unknown
        : "these are single weights, not whole units that could be left out";

    static ModelSize Size(IModelFile file, Model model) =>
        new(model.Parameters.Sum(parameter => parameter.Shape.Count), model.Parameters.Count, file.Files.Sum(FileSize.Of), Work.Multiplications(model.Program)) { Frozen = model.Frozen.Sum(parameter => parameter.Shape.Count) };

    static IReadOnlyList<TensorChange> Changes(Model large, Model small)
    {
        var now = small.Parameters.Concat(small.Frozen).ToDictionary(parameter => parameter.Name, parameter => parameter.Shape, StringComparer.Ordinal);
        return
        [
            .. large.Parameters.Concat(large.Frozen).Where(parameter => !now.TryGetValue(parameter.Name, out var shape) || shape != parameter.Shape)
                .Select(parameter => new TensorChange(parameter.Name, [.. parameter.Shape.Sizes], now.TryGetValue(parameter.Name, out var shape) ? [.. shape.Sizes] : null)),
        ];
    }

    static long RoundedNumbers(Model model, SmallModel small)
    {
        if (small.Units is null) return 0;
        var stored = model.Parameters.Concat(model.Frozen).ToDictionary(parameter => parameter.Name, parameter => parameter.Start, StringComparer.Ordinal);
        long rounded = 0;
        foreach (var (name, (_, exact)) in small.Units.Weights)
        {
            if (!stored.TryGetValue(name, out var now) || !small.Plans[name].Adds) continue;
            for (long k = 0; k < now.Count; k++)
                if (now[k] != exact[k]) rounded++;
        }

        return rounded;
    }
}
