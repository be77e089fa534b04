using Tiebreak.Findings;
using Tiebreak.Formats;
using Tiebreak.Formats.Tokenizers;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Proofs;
using Tiebreak.Proofs.Reasons;
using Tiebreak.Refinement;
using Tiebreak.Repairs.NearTies;

namespace Tiebreak;

/// <summary>The door: what training can never separate or move in a model, and why.</summary>
public static class Check
{
    /// <summary>Reads, lowers, refines, confirms, and puts the answer into words.</summary>
    /// <param name="path">A formula (<c>.tb</c>), an ONNX file (<c>.onnx</c>), or a checkpoint: its folder or <c>.safetensors</c> file beside a <c>config.json</c>.</param>
    /// <param name="options">What to assume; null for the defaults.</param>
    /// <exception cref="TiebreakException">The file cannot be read or means something that is not supported: what, where and what to do.</exception>
    /// <exception cref="OperationCanceledException">Cancelled through the options.</exception>
    public static CheckResult Model(string path, CheckOptions? options = null)
    {
        options ??= new CheckOptions();
        if (options.Laws && (options.Data is not null || !MayWitness(options)))
            throw new TiebreakException("`--laws` is of gradient descent on any data, all parameters at one rate and without weight decay; leave out `--data`, `--input-range`, `--weight-decay`, `--group` and `--optimizer`");
        if (options.Tolerance is { } tolerance && !OptionValues.IsTolerance(tolerance)) throw new TiebreakException($"`--tolerance` takes a number from 0 to below 1, for instance 1e-3, not `{tolerance.ToString("R", System.Globalization.CultureInfo.InvariantCulture)}`");
        using var file = Open(path, options);
        return Of(file, path, options, advises: true, streams: !options.NeedsCodes);
    }

    /// <summary>The same for a file that is open.</summary>
    internal static CheckResult Of(IModelFile file, string path, CheckOptions options, bool advises, bool streams = false)
    {
        if (options.Tokenizer is { } tokenizer) options = options with { Vocabulary = TokenizerFile.Read(tokenizer) };
        var refinement = Refinement(options);
        var analysis = Analyse(file, options, refinement, streams);
        var witness = options.Witness && !analysis.IsStreamed ? Witnessed(ref analysis, options, refinement) : null;
        var laws = options.Laws && analysis.Partition is { } partition ? LinearLaws.Find(analysis.Model, partition, refinement) : null;
        if (laws is not null) analysis = analysis with { HeldByLaw = [.. analysis.HeldByLaw.Union(laws.Held(analysis.Partition!)).Order()] };
        if (options.Tolerance is { } tolerance && analysis.Partition is not null) analysis = analysis with { NearTies = NearTies(file, analysis, tolerance, options) };
        var advice = advises && options.Data is null && !analysis.IsStreamed && analysis.Partition is { } tied ? Reinitialisation.Find(analysis.Model, tied, refinement) : null;
        if (options.Vocabulary is { } tokens && TokenAxes.Note(analysis.Model, tokens) is { } note) analysis = analysis with { Model = analysis.Model with { Notes = [note, .. analysis.Model.Notes] } };
        return FindingsBuilder.Build(path, file.Format, options, analysis) with { Witness = witness, Laws = laws, Advice = advice, Files = file.Files };
    }

    // Units are what a batch at inference sees: then statistics are weights, too.
    static IReadOnlyList<NearTie> NearTies(IModelFile file, Analysis analysis, double tolerance, CheckOptions options)
    {
        options.Progress?.Report(new CheckProgress("near ties", null));
        var any = analysis.Data?.Any ?? analysis;
        var model = Ways.Lower(file, any.Lowering with { NamedWeights = true, BatchNormTraining = false, Dropout = false }, any.Model.Ways);
        return NearUnits.Find(model, analysis.Model.Parameters, analysis.Partition!, tolerance, options.Cancellation);
    }

    /// <summary>Reads and lowers without analysing: the model as the analysis would first see it.</summary>
    /// <exception cref="TiebreakException">As for <see cref="Model"/>.</exception>
    public static Model Read(string path, CheckOptions? options = null)
    {
        options ??= new CheckOptions();
        using var file = Open(path, options);
        var lowering = Lowering(options);
        var step = 0;
        return WithSeveralSamples(file, new Sizes(file, lowering).Smallest(ref step), lowering).Model;
    }

    /// <summary>Opens a model, and puts the named loss behind it that was asked for.</summary>
    internal static IModelFile Open(string path, CheckOptions options) => Wrapped(ModelFile.Open(path), path, options);

    /// <summary>An open file, with the named loss behind it that was asked for.</summary>
    internal static IModelFile Wrapped(IModelFile file, string path, CheckOptions options) => options.Loss switch
    {
        LossKind.MeanSquaredError => new NamedLoss(file, path, NamedLossKind.MeanSquaredError),
        LossKind.CrossEntropy => new NamedLoss(file, path, NamedLossKind.CrossEntropy),
        _ => file,
    };

    internal static LoweringOptions Lowering(CheckOptions options) => new()
    {
        Dims = options.Dims,
        Batch = options.Batch,
        BatchNormTraining = options.BatchNormTraining,
        Dropout = options.Dropout,
        Trainable = options.Trainable,
        Freeze = options.Freeze,
        Outputs = options.Outputs,
        AlsoOutputs = options.AlsoOutputs,
        Opaque = options.Opaque,
        OutputIsLoss = options.Loss == LossKind.Outputs,
    };

    internal static RefinementOptions Refinement(CheckOptions options) => new()
    {
        Seed = options.Seed,
        ErrorBound = options.ErrorBound,
        InputRange = options.InputRange is var (low, high) ? new Interval(low, high) : null,
        Decays = !options.WeightDecay.IsZero,
        GroupOf = Optimizers.Groups(options),
        Cancellation = options.Cancellation,
        Progress = stage => options.Progress?.Report(new CheckProgress(stage, null)),
    };

    // What is claimed apart is shown apart; what a linear law holds instead is told to the findings.
    static Witness? Witnessed(ref Analysis analysis, CheckOptions options, RefinementOptions refinement)
    {
        if (analysis.Partition is not { } partition) return null;
        if (!MayWitness(options))
        {
            const string Why = "no witnesses were looked for: they are of gradient descent without a range of the data, weight decay or groups";
            analysis = analysis with { Model = analysis.Model with { Notes = [Why, .. analysis.Model.Notes] } };
            return null;
        }

        var (model, table) = ForTraining(analysis, refinement);
        var witness = Witness.Find(model, partition, analysis.Rounds, refinement, table);
        analysis = analysis with { HeldByLaw = witness.HeldByLaw, Model = analysis.Model with { Notes = [.. witness.Notes, .. analysis.Model.Notes] } };
        return witness;
    }

    /// <summary>Whether training runs would be of what was analysed: they are of gradient descent, on any data or on the rows of a table.</summary>
    internal static bool MayWitness(CheckOptions options) =>
        options.InputRange is null && options.WeightDecay.IsZero && options.Groups.Count == 0 && options.Optimizer is ("sgd" or "momentum" or "nesterov");

    /// <summary>The model that training runs take one sample at a time through, and the table that samples are drawn from, if there is one.</summary>
    internal static (Model Model, TableDraw? Table) ForTraining(Analysis analysis, RefinementOptions refinement)
    {
        if (analysis.Data?.Kept is not var (many, samples)) return (analysis.Model, null);
        var table = new TableDraw([.. samples.Blocks], samples.RowsPerRun, seed => SmallestInvariantSet.Find(many, refinement with { Seed = seed }, within: null, samples).Partition);
        return (analysis.Model with { Program = ManySamples.Of(analysis.Model.Program, 1) }, table);
    }

    internal static Analysis Analyse(IModelFile file, CheckOptions options, RefinementOptions refinement, bool streams = false)
    {
        options.Progress?.Report(new CheckProgress("reading", null));
        var lowering = Lowering(options);
        var analysis = Refine(file, lowering, refinement, options, streams);
        if (analysis.Partition is null) return analysis;
        if (options.Data is not null)
        {
            using var bound = ModelOnData.Of(file, options);
            return OnData(bound, WithCauses(analysis, refinement), refinement, options.Pattern);
        }

        return analysis.IsStreamed ? analysis : WithCauses(analysis, refinement);
    }

    // At the next larger sizes; null where nothing is left open or nothing larger works.
    static Model? Larger(Sizes sizes, Model model, ref int step)
    {
        if (!sizes.AnyFree) return null;
        step++;
        var larger = sizes.Smallest(ref step);
        return larger.Ways.Zip(model.Ways).Any(pair => pair.First.Dims.Any(dim => dim.Value > pair.Second.Dims[dim.Key])) ? larger : null;
    }

    static Analysis WithCauses(Analysis analysis, RefinementOptions options)
    {
        var stuckBy = SmallestInvariantSet.StuckCauses(analysis.Model, analysis.Partition!, options);
        return analysis with
        {
            StuckBy = stuckBy,
            CancelledBy = CancellingOperations.Of(analysis.Model, analysis.Partition!, stuckBy, options),
            Decaying = SmallestInvariantSet.Decaying(analysis.Model, analysis.Partition!, options),
        };
    }

    // What holds for any data holds for these; what they tie beyond that is found with them.
    static Analysis OnData(ModelOnData bound, Analysis any, RefinementOptions options, bool pattern)
    {
        var search = new SetOnData(bound.Model, bound.Samples, options);
        var result = search.Find();
        if (result.Partition is not { } partition)
            return any with { Model = bound.Model, Partition = null, NonFinite = NonFiniteValues.AtStart(result.SingularOrigins) };
        var changes = pattern ? search.Changes(partition.Classes) : [];
        var causes = SmallestInvariantSet.StuckCauses(search.Model, partition, options, search.Kept);
        for (var tensor = 0; tensor < causes.Count; tensor++)
            for (var k = 0; k < (causes[tensor]?.Length ?? 0); k++)
                if (causes[tensor]![k] != StuckCause.None && any.Partition!.Codes[tensor][k] != 0) causes[tensor]![k] = StuckCause.Data;
        return new Analysis
        {
            Model = bound.Model,
            Partition = partition,
            Data = new DataVerdict(bound.Samples, search.Rows, search.Columns, any) { Breaks = search.Breaks(partition.Classes), Changes = changes, Kept = (search.Model, search.Kept) },
            Rounds = result.Rounds,
            Verifications = result.Verifications,
            Epsilon = result.Epsilon,
            ErrorBound = result.ErrorBound,
            WithoutNoise = null,
            StuckBy = causes,
            Decaying = SmallestInvariantSet.Decaying(search.Model, partition, options, search.Kept),
            AtOtherKinks = result.MetKinks ? AtOtherKinks(search.Model, partition, options, search.Kept) : null,
        };
    }

    // Refines at the smallest sizes, and at larger ones until two agree.
    static Analysis Refine(IModelFile file, LoweringOptions lowering, RefinementOptions options, CheckOptions check, bool streams)
    {
        const int MostEnlargements = 8;
        var sizes = new Sizes(file, lowering);
        var step = 0;
        var model = sizes.Smallest(ref step);
        var given = lowering;
        (model, lowering) = WithSeveralSamples(file, model, lowering);
        if (lowering != given) sizes = new Sizes(file, lowering); // larger ones have several samples, too
        NameGlob.RequireHits(check.Groups, [.. model.Parameters.Select(parameter => parameter.Name)], "--group");
        if (check.Vocabulary is { } tokens) TokenAxes.Require(model, tokens);
        if (check.Refuses?.Invoke(model.Parameters.Sum(parameter => parameter.Shape.Count)) is { } refusal) throw new TiebreakException(refusal);
        var streamedStep = step;
        if (streams && StreamedCheck.IsFor(model, check, options, out var tensors) && StreamedCheck.Of(model, from => Larger(sizes, from, ref streamedStep), tensors, options, check.Memory ?? check.HoldsUpTo) is { } streamed) return streamed with { Lowering = lowering };
        HeldMemory.Require(model, check.Memory);
        if (NonFiniteValues.Among(model.Parameters) is { Count: > 0 } places) return new Analysis { Model = model, NonFinite = places };

        for (var enlargement = 0; ; enlargement++)
        {
            var (result, withoutNoise) = model.HasDropout
                ? SetUnderNoise.Find(model, Ways.Lower(file, lowering with { Dropout = false }, model.Ways), options)
                : (SmallestInvariantSet.Find(model, options), null);
            if (result.Partition is not { } partition)
                return new Analysis { Model = model, NonFinite = NonFiniteValues.AtStart(result.SingularOrigins) };

            IReadOnlyDictionary<string, int>? confirmed = null;
            if (sizes.AnyFree)
            {
                if (Larger(sizes, model, ref step) is not { } larger) model = model with { Notes = [.. model.Notes, "no larger sizes work, so the answer is for these alone"] };
                else if (SmallestInvariantSet.IsInvariant(larger, partition, options)) confirmed = larger.Dims;
                else if (enlargement < MostEnlargements)
                {
                    model = larger;
                    continue;
                }
                else
                {
                    model = model with { Notes = [.. model.Notes, "the answer still changed at the next larger sizes; give those that training uses with --dim"] };
                }
            }

            if (sizes.AnyFree && model.NeverReached > 0)
                model = model with { Notes = [.. model.Notes, $"at every size that works {model.NeverReached} places of kernels only meet padding, so what stands there is stuck"] };
            return new Analysis
            {
                Model = model,
                Lowering = lowering,
                Partition = partition,
                Rounds = result.Rounds,
                Verifications = result.Verifications,
                Epsilon = result.Epsilon,
                ErrorBound = result.ErrorBound,
                ConfirmedDims = confirmed,
                WithoutNoise = withoutNoise,
                AtOtherKinks = result.MetKinks ? AtOtherKinks(model, partition, options) : null,
            };
        }
    }

    static Partition? AtOtherKinks(Model model, Partition partition, RefinementOptions options, Samples? samples = null)
    {
        var other = SmallestInvariantSet.Find(model, options with { Kinks = KinkConvention.Random }, within: null, samples);
        return other.Partition is { } found && !found.SameAs(partition) ? found : null;
    }

    // Batch normalisation over a single sample hides what a batch would show: where the file fixes the batch at 1, take more, so that sets
    // that are normalised over have at least three members and more than one sample (theory §5).
    static (Model Model, LoweringOptions Options) WithSeveralSamples(IModelFile file, Model model, LoweringOptions lowering)
    {
        const int FewestMembers = 3;
        if (!model.HasBatchNorm || !lowering.BatchNormTraining || lowering.Batch is not null || !model.Program.Nodes.Any(IsSingleSample)) return (model, lowering);
        var batch = Math.Max(2, (int)((FewestMembers + model.SmallestBatchNormSet - 1) / model.SmallestBatchNormSet));
        try
        {
            var several = lowering with { Batch = batch };
            var enlarged = Ways.Lower(file, several, model.Ways);
            return (enlarged with { Notes = [.. enlarged.Notes, $"the file fixes the batch at 1; analysed at {batch}, as batch normalisation needs"] }, several);
        }
        catch (TiebreakException)
        {
            return (model with { Notes = [.. model.Notes, "the file fixes the batch at 1 and cannot be read at another size: batch normalisation is over one sample"] }, lowering);
        }
    }

    static bool IsSingleSample(Node node) => node.Primitive is Primitive.Data { Kind: DataKind.Free } && node.Shape.Rank > 0 && node.Shape[0] == 1;
}
